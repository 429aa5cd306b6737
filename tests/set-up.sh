# What both commands of the checks need. Sourced by tests/run and tests/real, after their `cd` to the top of the checkout.
# POSIX sh.

. deploy/bootstrap.sh
set_up tests/requirements.txt

has_slapd() { PATH="$PATH:/usr/sbin" command -v slapd >/dev/null && command -v ldapsearch >/dev/null; }

# The LDAP source is tested against a real server, which each test starts for itself. A package of a server starts it
# too, unless a policy says no (101).
ensure_slapd() {
    ! has_slapd || return 0
    mkdir -p .cache
    policy=${POLICY_RC_D:-/usr/sbin/policy-rc.d}
    ours=
    if is_root && [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && ours=yes
    fi
    apt_install slapd ldap-utils || say "slapd is not here, and only root can install it: tests that need it are skipped.
To run them too: sudo apt-get install slapd ldap-utils"
    [ -z "$ours" ] || rm -f "$policy"
}
ensure_slapd
