-- Roles, who has them, and privileges on things. Principals are names: their users and groups are kept elsewhere.
CREATE TABLE roles (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    owner text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO roles (name, owner) VALUES ('admin', 'admin'), ('public', 'public');

CREATE TABLE role_grants (
    role_id bigint NOT NULL REFERENCES roles ON DELETE CASCADE,
    principal_type text COLLATE "C" NOT NULL, -- USER, ROLE, GROUP
    principal text COLLATE "C" NOT NULL,
    grant_option boolean NOT NULL,
    grantor text,
    grantor_type text,
    granted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (role_id, principal_type, principal)
);
CREATE INDEX role_grants_principal ON role_grants (principal_type, principal);

-- A privilege hangs on the row it was given for, not on a name: what is made again under the name of something dropped
-- has no privileges yet, and what is restored has its own.
CREATE TABLE privileges (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind smallint NOT NULL,          -- 1 all, 2 database, 3 table, 4 partition, 5 column, 6 data connector
    object_id bigint NOT NULL,       -- the database, the incarnation of the table or the thing; 0: all
    partition text COLLATE "C" NOT NULL DEFAULT '',
    partition_seq bigint NOT NULL DEFAULT 0, -- the change that added the partition: its incarnation
    column_name text COLLATE "C" NOT NULL DEFAULT '',
    principal_type text COLLATE "C" NOT NULL,
    principal text COLLATE "C" NOT NULL,
    privilege text COLLATE "C" NOT NULL,
    grantor text COLLATE "C" NOT NULL,
    grantor_type text,
    grant_option boolean NOT NULL,
    authorizer text COLLATE "C" NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (object_id, kind, partition, partition_seq, column_name, principal_type, principal, privilege, grantor, authorizer)
);
CREATE INDEX privileges_principal ON privileges (principal_type, principal);
INSERT INTO privileges (kind, object_id, principal_type, principal, privilege, grantor, grantor_type, grant_option, authorizer)
    VALUES (1, 0, 'ROLE', 'admin', 'All', 'admin', 'ROLE', true, 'SQL');
