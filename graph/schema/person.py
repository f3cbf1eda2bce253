"""Who: people and organizations as a vendor names them, and what a call cost."""

import strawberry


@strawberry.type(description="A company, department or reseller as one vendor names it.")
class Organization:
    """A company, department or reseller."""

    vendor_id: str | None = strawberry.field(description="The vendor's identifier of it.")
    name: str | None = strawberry.field(description="Its name.")


@strawberry.type(
    description="A person as one vendor names them. Contact fields need the scope pii:read, else they are null and an "
    "error says why."
)
class Person:
    """A person."""

    account_id: str | None = strawberry.field(description="The vendor's identifier of their account.")
    name: str | None = strawberry.field(description="Their name.")
    email: str | None = strawberry.field(description="Their e-mail address.")
    phone_number: str | None = strawberry.field(description="Their telephone number.")
    organization: Organization | None = strawberry.field(description="Where they belong.")


@strawberry.type(description="An amount of money.")
class Money:
    """An amount of money."""

    amount: str = strawberry.field(description="Decimal text, so that no cent is lost to rounding.")
    currency: str = strawberry.field(description="ISO 4217, such as CNY.")
