"""How the personal attributes are called in WorkMail's calls."""

from collections.abc import Mapping

from syncd.model.state import HIDDEN

#: Our field -> the member of UpdateUser and DescribeUser (`workmail.md` A.1).
MEMBERS: Mapping[str, str] = {
    "display_name": "DisplayName",
    "first_name": "FirstName",
    "last_name": "LastName",
    "initials": "Initials",
    "job_title": "JobTitle",
    "department": "Department",
    "company": "Company",
    "office": "Office",
    "telephone": "Telephone",
    "street": "Street",
    "city": "City",
    "zip_code": "ZipCode",
    "country": "Country",
    HIDDEN: "HiddenFromGlobalAddressList",
}
