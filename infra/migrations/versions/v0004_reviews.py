"""What a person is to decide where the rule parser and a language model read a guide differently."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("rule_value", JSON, nullable=False),
        sa.Column("model_value", JSON, nullable=False),
        sa.Column("values_digest", sa.Text(), nullable=False),
        sa.Column("evidence", JSON, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("choice", sa.Text(), nullable=False),
        sa.Column("settled_by", sa.Text(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('guide')", name=op.f("ck_reviews_kind")),
        sa.CheckConstraint("state IN ('open', 'settled')", name=op.f("ck_reviews_state")),
        sa.CheckConstraint("choice IN ('', 'rule', 'model', 'none')", name=op.f("ck_reviews_choice")),
        sa.CheckConstraint("(state = 'open') = (choice = '')", name=op.f("ck_reviews_settled_has_choice")),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_reviews_document_id_documents")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.UniqueConstraint(
            "document_id",
            "kind",
            "item",
            "field",
            "values_digest",
            name=op.f("uq_reviews_document_id_kind_item_field_values_digest"),
        ),
    )
    op.create_index(op.f("ix_reviews_owner_state"), "reviews", ["owner", "state"])


def downgrade() -> None:
    op.drop_table("reviews")
