"""Pictures: decoded tensors and their parts, datasets made of them, and how preparations stand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "image_tensors",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("listing_key", sa.Text(), nullable=False),
        sa.Column("decoder_version", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("channels", sa.Integer(), nullable=False),
        sa.Column("n_members", sa.Integer(), nullable=False),
        sa.Column("images_key", sa.Text(), nullable=False),
        sa.Column("rows_key", sa.Text(), nullable=False),
        sa.Column("n_images", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("channels IN (1, 3)", name=op.f("ck_image_tensors_channels")),
        sa.CheckConstraint(
            "(images_key = '') = (rows_key = '')", name=op.f("ck_image_tensors_whole_or_unfinished")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image_tensors")),
        sa.UniqueConstraint(
            "listing_key",
            "decoder_version",
            "size",
            "channels",
            name=op.f("uq_image_tensors_listing_key_decoder_version_size_channels"),
        ),
    )
    op.create_table(
        "image_tensor_parts",
        sa.Column("tensor_id", sa.Uuid(), nullable=False),
        sa.Column("start", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("stop", sa.Integer(), nullable=False),
        sa.Column("points_key", sa.Text(), nullable=False),
        sa.Column("outcomes_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tensor_id"], ["image_tensors.id"], name=op.f("fk_image_tensor_parts_tensor_id_image_tensors")
        ),
        sa.PrimaryKeyConstraint("tensor_id", "start", name=op.f("pk_image_tensor_parts")),
    )
    with op.batch_alter_table("datasets") as datasets:
        datasets.add_column(sa.Column("tensor_id", sa.Uuid(), nullable=True))
        datasets.add_column(sa.Column("rows_key", sa.Text(), nullable=False, server_default=""))
        datasets.create_foreign_key(
            op.f("fk_datasets_tensor_id_image_tensors"), "image_tensors", ["tensor_id"], ["id"]
        )
        datasets.create_index(op.f("ix_datasets_tensor_id"), ["tensor_id"])
    op.create_table(
        "preparations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sources", JSON, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('draft', 'processing', 'ready', 'error')", name=op.f("ck_preparations_state")
        ),
        sa.CheckConstraint(
            "(state = 'ready') = (dataset_id IS NOT NULL)", name=op.f("ck_preparations_ready_has_dataset")
        ),
        sa.CheckConstraint("(state = 'error') = (error <> '')", name=op.f("ck_preparations_error_has_words")),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name=op.f("fk_preparations_dataset_id_datasets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preparations")),
    )
    op.create_index(op.f("ix_preparations_dataset_id"), "preparations", ["dataset_id"])
    op.create_index(op.f("ix_preparations_owner_updated_at"), "preparations", ["owner", "updated_at"])


def downgrade() -> None:
    op.drop_table("preparations")
    with op.batch_alter_table("datasets") as datasets:
        datasets.drop_index(op.f("ix_datasets_tensor_id"))
        datasets.drop_constraint(op.f("fk_datasets_tensor_id_image_tensors"), type_="foreignkey")
        datasets.drop_column("rows_key")
        datasets.drop_column("tensor_id")
    op.drop_table("image_tensor_parts")
    op.drop_table("image_tensors")
