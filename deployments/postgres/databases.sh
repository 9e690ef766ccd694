#!/bin/sh
# Three databases with a role each, none of which may look into another's. PostgreSQL's image runs this once,
# on an empty volume.
set -eu

make() {
    psql --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
        --set name="$1" --set password="$2" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
}

make catalog "$CATALOG_DB_PASSWORD"
make mlflow "$MLFLOW_DB_PASSWORD"
make prefect "$PREFECT_DB_PASSWORD"
