"""Replies of language models, whom they are about, and how each endpoint is to be asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "replies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("response_model", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("finish_reason", sa.Text(), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=False),
        sa.Column("n_prompt_tokens", sa.Integer(), nullable=True),
        sa.Column("n_cached_tokens", sa.Integer(), nullable=True),
        sa.Column("n_completion_tokens", sa.Integer(), nullable=True),
        sa.Column("cost_usd", sa.Double(), nullable=True),
        sa.Column("price_source", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("occasion", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('schema', 'json', 'tool', 'text')", name=op.f("ck_replies_mode")),
        sa.CheckConstraint("cost_usd >= 0", name=op.f("ck_replies_cost_usd")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replies")),
        sa.UniqueConstraint("key", name=op.f("uq_replies_key")),
    )
    op.create_index(op.f("ix_replies_payer"), "replies", ["payer"])
    op.create_index(op.f("ix_replies_provider_base_url_model"), "replies", ["provider", "base_url", "model"])
    op.create_table(
        "reply_subjects",
        sa.Column("reply_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["reply_id"], ["replies.id"], name=op.f("fk_reply_subjects_reply_id_replies")),
        sa.PrimaryKeyConstraint("reply_id", "subject", name=op.f("pk_reply_subjects")),
    )
    op.create_index(op.f("ix_reply_subjects_subject"), "reply_subjects", ["subject"])
    op.create_table(
        "llm_endpoints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("mode_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("learned", JSON, nullable=False),
        sa.Column("requests_per_minute", sa.Double(), nullable=True),
        sa.Column("tokens_per_minute", sa.Double(), nullable=True),
        sa.Column("next_request_at", sa.Double(), nullable=False),
        sa.Column("next_token_at", sa.Double(), nullable=False),
        sa.Column("blocked_until", sa.Double(), nullable=False),
        sa.CheckConstraint(
            "mode IN ('', 'schema', 'json', 'tool', 'text')", name=op.f("ck_llm_endpoints_mode")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_llm_endpoints")),
        sa.UniqueConstraint(
            "provider", "base_url", "model", name=op.f("uq_llm_endpoints_provider_base_url_model")
        ),
    )


def downgrade() -> None:
    op.drop_table("llm_endpoints")
    op.drop_table("reply_subjects")
    op.drop_table("replies")
