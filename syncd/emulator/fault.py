"""The errors that the service answers with: a code that clients branch on, and a sentence for people."""


class ServiceFault(Exception):
    """An answer other than success; *code* is the service's own name for it."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def invalid_parameter(message: str) -> ServiceFault:
    return ServiceFault("InvalidParameterException", message)


def unknown_operation(operation: str) -> ServiceFault:
    return ServiceFault("UnknownOperationException", f"The operation {operation} is not known here")


def organization_not_found(organization_id: str) -> ServiceFault:
    return ServiceFault("OrganizationNotFoundException", f"Organization {organization_id} was not found")


def organization_state(organization_id: str, state: str) -> ServiceFault:
    """Refuse a call to an organization that isn't usable, in the service's own words (`workmail.md` B47)."""
    return ServiceFault("OrganizationStateException", f"Organization {organization_id} is not Active, state: {state}")


def unsupported(message: str) -> ServiceFault:
    return ServiceFault("UnsupportedOperationException", message)


def entity_not_found(identifier: str) -> ServiceFault:
    return ServiceFault("EntityNotFoundException", f"Entity {identifier} was not found")


def entity_state(identifier: str, why: str) -> ServiceFault:
    return ServiceFault("EntityStateException", f"Entity {identifier} {why}")


def already_registered(identifier: str) -> ServiceFault:
    return ServiceFault(
        "EntityAlreadyRegisteredException", f"Entity {identifier} is already registered with another address"
    )


def reserved_name(name: str) -> ServiceFault:
    return ServiceFault("ReservedNameException", f"The name {name} is not allowed")


def name_in_use(name: str) -> ServiceFault:
    return ServiceFault("NameAvailabilityException", f"The name {name} is already in use")


def invalid_password(why: str) -> ServiceFault:
    return ServiceFault("InvalidPasswordException", f"The password {why}")


def address_in_use(address: str) -> ServiceFault:
    return ServiceFault("EmailAddressInUseException", f"The address {address} is already in use")


def domain_not_found(domain: str) -> ServiceFault:
    return ServiceFault("MailDomainNotFoundException", f"The domain {domain} is not registered here")


def domain_state(domain: str, status: str) -> ServiceFault:
    return ServiceFault("MailDomainStateException", f"The domain {domain} is not verified, status: {status}")


def domain_in_use(domain: str, why: str) -> ServiceFault:
    return ServiceFault("MailDomainInUseException", f"The domain {domain} {why}")


def invalid_configuration(message: str) -> ServiceFault:
    return ServiceFault("InvalidConfigurationException", message)


def limit_exceeded(message: str) -> ServiceFault:
    return ServiceFault("LimitExceededException", message)


def directory_in_use(directory_id: str) -> ServiceFault:
    return ServiceFault("DirectoryInUseException", f"Directory {directory_id} belongs to another organization")


def directory_fault(code: str) -> ServiceFault:
    return ServiceFault(code, "The directory of this organization can't be used now")
