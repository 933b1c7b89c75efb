"""Grants and permissions, all of them: one authoritative resource a thing, from the matrix of `infra.roles`."""

from __future__ import annotations

from cdktf import ITerraformDependable
from constructs import Construct

from infra.constructs.principals import Principals
from infra.names import Addresses
from infra.providers import Grants, GrantsGrant, Permissions, PermissionsAccessControl
from infra.roles import READS_RECORDS, On, Principal, access
from infra.stages import Stage


class Access(Construct):
    """Gives what the matrix says on each thing handed to it; grants and permissions: the resources by address."""

    def __init__(
        self, scope: Construct, id_: str, *, stage: Stage, principals: Principals, addresses: Addresses
    ) -> None:
        super().__init__(scope, id_)
        self.stage, self.principals, self.addresses = stage, principals, addresses
        self.grants: dict[str, Grants] = {}
        self.permissions: dict[str, Permissions] = {}

    def named(self, principal: str | Principal) -> str:
        """What grants call a principal: a group's name, a service principal's application id."""
        return self.principals.application_ids[principal] if isinstance(principal, Principal) else principal

    def grant(
        self, address: str, on: On, *, securable: str, source: str | None = None,
        after: ITerraformDependable | None = None,
    ) -> None:  # fmt: skip
        """Everyone's privileges on a Unity Catalog securable, which `securable` identifies. after: what comes first."""
        given = [
            GrantsGrant(principal=self.named(one.principal), privileges=list(one.rights))
            for one in access(on, self.stage, source)
        ]
        given += [
            GrantsGrant(principal=reader, privileges=list(READS_RECORDS[on]))
            for reader in self.principals.readers
            if on in READS_RECORDS
        ]
        # Here and below: what is granted on is named by data, which the generated signatures do not foresee.
        made = Grants(
            self, f"grants_{address}", grant=given, depends_on=[after] if after else None,
            **{on.securable: securable},  # type: ignore[arg-type]
        )  # fmt: skip
        self.addresses.place(made, address, f"{on.value[0]} {address}")
        self.grants[address] = made

    def permit(self, address: str, on: On, *, source: str | None = None, **target: str) -> None:
        """Everyone's level on a workspace object, which `target` (`job_id` for example) identifies."""
        given = []
        for one in access(on, self.stage, source):
            kind = "service_principal_name" if isinstance(one.principal, Principal) else "group_name"
            given.append(PermissionsAccessControl(permission_level=one.rights[0], **{kind: self.named(one.principal)}))
        made = Permissions(self, f"permissions_{address}", access_control=given, **target)  # type: ignore[arg-type]
        self.addresses.place(made, address, f"{on.value[0]} {address}")
        self.permissions[address] = made
