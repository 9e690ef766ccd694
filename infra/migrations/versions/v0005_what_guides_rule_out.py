"""What guides rule out and note, and how sure the reading of each item is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    with op.batch_alter_table("parses") as parses:
        parses.add_column(sa.Column("instructions", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("items") as items:
        items.add_column(sa.Column("not_accepted", JSON, nullable=False, server_default="[]"))
        items.add_column(sa.Column("guidance", sa.Text(), nullable=False, server_default=""))
        items.add_column(sa.Column("page", sa.Integer(), nullable=True))
        items.add_column(sa.Column("confidence", sa.Double(), nullable=False, server_default="1"))


def downgrade() -> None:
    with op.batch_alter_table("items") as items:
        for name in ("confidence", "page", "guidance", "not_accepted"):
            items.drop_column(name)
    with op.batch_alter_table("parses") as parses:
        parses.drop_column("instructions")
