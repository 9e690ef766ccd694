"""How sure it is which item an answer is for, and the doubt where it is not sure enough."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("answers") as answers:
        answers.add_column(sa.Column("alignment", sa.Double(), nullable=False, server_default="1"))
        answers.add_column(sa.Column("doubt", sa.Text(), nullable=False, server_default=""))
        answers.create_check_constraint(op.f("ck_answers_alignment"), "alignment >= 0 AND alignment <= 1")


def downgrade() -> None:
    with op.batch_alter_table("answers") as answers:
        answers.drop_constraint(op.f("ck_answers_alignment"), type_="check")
        answers.drop_column("doubt")
        answers.drop_column("alignment")
