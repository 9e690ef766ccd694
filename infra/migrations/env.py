"""Alembic's environment: always on a connection that `infra.catalog.upgrading` has opened."""

from __future__ import annotations

from alembic import context

from infra.catalog.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
