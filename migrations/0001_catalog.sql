-- The catalog's own objects. Written once; a change is a new numbered file.
-- Texts that identify something are COLLATE "C": compared by bytes, so that an index serves prefixes and ranges and an
-- upgrade of the operating system's collations cannot break it.
-- "params" columns are text[] that alternate key, value, sorted by key; NULL stands for none.

-- One row: which installation this is.
CREATE TABLE instance (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    uuid uuid NOT NULL DEFAULT gen_random_uuid(),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO instance DEFAULT VALUES;

CREATE TABLE catalogs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    description text,
    location text COLLATE "C",
    params text[],
    extra text,                      -- JSON object: what only one protocol knows, kept for it
    version bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE databases (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    catalog_id bigint NOT NULL REFERENCES catalogs,
    name text COLLATE "C" NOT NULL,
    description text,
    location text COLLATE "C",
    managed_location text COLLATE "C",
    params text[],
    owner text,
    owner_type text,
    type text,                       -- NATIVE or REMOTE; NULL: not given
    connector text,
    remote_name text,
    extra text,
    bootstrap boolean NOT NULL DEFAULT false, -- made by the server and never used since
    version bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    dropped_at timestamptz,
    dropped_seq bigint
);
CREATE UNIQUE INDEX databases_live ON databases (catalog_id, name) WHERE dropped_at IS NULL;
CREATE INDEX databases_dropped_name ON databases (catalog_id, name) WHERE dropped_at IS NOT NULL;
CREATE INDEX databases_dropped ON databases (dropped_at) WHERE dropped_at IS NOT NULL;
CREATE INDEX databases_location ON databases (location) WHERE dropped_at IS NULL;

-- Content-addressed definitions: id = first 128 bits of SHA-256 over a canonical form made by the server, so a writer
-- knows the id without asking. No foreign keys point here; a sweep removes old rows nothing refers to any more.
CREATE TABLE column_sets (
    id uuid PRIMARY KEY,
    names text[] NOT NULL,
    types text[] NOT NULL,
    comments text[],                 -- NULL: no column has one
    params text[],                   -- one JSON object (or NULL) a column; NULL: no column has any
    touched_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE storage_formats (
    id uuid PRIMARY KEY,
    input_format text,
    output_format text,
    compressed boolean NOT NULL,
    buckets integer NOT NULL,
    bucket_columns text[],
    sort_columns text[],
    sort_orders text[],
    stored_as_sub_directories boolean NOT NULL,
    serde text,                      -- JSON object
    skew text,                       -- JSON object
    touched_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- One row an incarnation: a table that is dropped and made again gets a new row. A drop only marks the row, so it takes
-- no longer for a million partitions than for none and can be taken back until the purge job removes the row.
CREATE TABLE tables (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    database_id bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    type text,                       -- NULL: not given; the Hive door derives one
    version bigint NOT NULL,
    owner text,
    owner_type text,
    description text,
    location text COLLATE "C",
    base integer NOT NULL DEFAULT 1, -- location base that new partitions below the table's directory use
    columns uuid,                    -- NULL: no storage descriptor at all
    partition_keys uuid,             -- NULL: not partitioned
    format uuid,
    sd_params text[],
    params text[],
    retention integer NOT NULL DEFAULT 0,
    view_original text,
    view_expanded text,
    rewrite_enabled boolean NOT NULL DEFAULT false,
    extra text,
    created_by text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    last_access_at timestamptz,
    last_analyzed_at timestamptz,
    full_version bigint NOT NULL DEFAULT 0, -- newest version row that holds a whole body
    dropped_at timestamptz,
    dropped_seq bigint
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX tables_live ON tables (database_id, name) INCLUDE (type) WHERE dropped_at IS NULL;
CREATE INDEX tables_dropped ON tables (database_id, name, dropped_at) WHERE dropped_at IS NOT NULL;
CREATE INDEX tables_dropped_when ON tables (dropped_at) WHERE dropped_at IS NOT NULL;
CREATE INDEX tables_location ON tables (location) WHERE dropped_at IS NULL AND location IS NOT NULL;

-- Where partitions hang. No 0 is reserved: a partition with base 0 holds its whole location in its suffix.
-- Moving a table's directory changes one row here instead of every partition.
CREATE TABLE location_bases (
    table_id bigint NOT NULL,
    no integer NOT NULL,
    uri text COLLATE "C" NOT NULL,
    PRIMARY KEY (table_id, no)
);
CREATE INDEX location_bases_uri ON location_bases (uri);

CREATE TABLE partitions (
    table_id bigint NOT NULL,        -- the incarnation
    name text COLLATE "C" NOT NULL,  -- k1=v1/k2=v2, escaped
    vals text[] NOT NULL,
    key1 bytea,                      -- the first value in a form that sorts by its type; NULL: not of the type
    base integer,                    -- NULL: no location
    suffix text COLLATE "C",         -- NULL: same as the name
    columns uuid,                    -- NULL: no storage descriptor at all
    format uuid,
    sd_params text[],
    params text[],
    extra text,
    created_at timestamptz NOT NULL,
    last_access_at timestamptz,
    last_analyzed_at timestamptz,
    added_seq bigint NOT NULL,       -- the change that added it
    altered_seq bigint,              -- the last change that altered it
    PRIMARY KEY (table_id, name)
);
-- Not on table_id itself: then the primary key is the one way to a partition by its name, and a plan made while there were
-- few partitions cannot take this index for it.
CREATE INDEX partitions_key1 ON partitions ((table_id + 0), key1);
CREATE INDEX partitions_absolute ON partitions (suffix) WHERE base = 0;
CREATE INDEX partitions_absolute_of ON partitions (table_id) WHERE base = 0;
CREATE INDEX partitions_placed ON partitions (table_id, suffix) WHERE base > 0 AND suffix IS NOT NULL;

-- What a partition was before an alter or a drop.
CREATE TABLE partition_images (
    LIKE partitions,
    ended_seq bigint NOT NULL,       -- the change that ended this image
    dropped boolean NOT NULL,
    PRIMARY KEY (table_id, name, ended_seq)
);

-- Everything that ever happened, one row a statement. seq is the order of insertion; the dense numbers that readers
-- see are given by the sequencer (change_order).
CREATE TABLE changes (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL,
    principal text,
    client text,                     -- address of the caller
    agent text,
    protocol text NOT NULL,          -- rest, hive, glue, crawler, server
    operation text NOT NULL,         -- the method called
    request_id uuid,
    kind text NOT NULL,              -- catalog, database, table, partition, function, ...
    action text NOT NULL,            -- create, alter, drop, rename, restore, ...
    catalog text COLLATE "C",
    database text COLLATE "C",
    name text COLLATE "C",
    object_id bigint,
    version bigint,
    hms_event text,                  -- the Hive event type, when there is one
    partitions text[],               -- names, for partition changes
    detail text                      -- JSON: diff, new name, ...
);
CREATE INDEX changes_xid ON changes (xid);
CREATE INDEX changes_object ON changes (kind, object_id, seq);

CREATE TABLE change_order (
    change_id bigint PRIMARY KEY,
    seq bigint NOT NULL UNIQUE,
    hms_event_id bigint UNIQUE
);

CREATE TABLE change_counter (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    change_id bigint NOT NULL DEFAULT 0,
    hms_event_id bigint NOT NULL DEFAULT 0,
    seen pg_snapshot NOT NULL,       -- everything visible in it is numbered
    cluster bigint                   -- the cluster whose transaction ids these are
) WITH (fillfactor = 50);
INSERT INTO change_counter (seen) VALUES (pg_current_snapshot());

-- One row a version of a table. body: JSON of everything but the content-addressed parts; NULL for a pointer move, whose
-- pointer holds the parameters that differ from version full_version.
CREATE TABLE table_versions (
    table_id bigint NOT NULL,
    version bigint NOT NULL,
    seq bigint NOT NULL,             -- the change that made it: who, when, how
    at timestamptz NOT NULL,
    noop boolean NOT NULL DEFAULT false,
    archived boolean NOT NULL DEFAULT true,  -- false: a SkipArchive update replaced it, Glue does not list it
    columns uuid,
    partition_keys uuid,
    format uuid,
    full_version bigint NOT NULL,
    body text,
    pointer text,
    diff text,                       -- JSON, computed against the version before
    PRIMARY KEY (table_id, version)
);
CREATE INDEX table_versions_pointer ON table_versions (at) WHERE pointer IS NOT NULL;

CREATE TABLE functions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    database_id bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    class_name text,
    owner text,
    owner_type text,
    type text,
    resource_types text[],
    resource_uris text[],
    extra text,
    version bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (database_id, name)
);

-- Statistics of a column of a table (partition = '') or of a partition. No versions: they change with the data.
CREATE TABLE column_statistics (
    table_id bigint NOT NULL,
    partition text COLLATE "C" NOT NULL DEFAULT '',
    engine text COLLATE "C" NOT NULL,
    column_name text COLLATE "C" NOT NULL,
    column_type text,
    kind smallint NOT NULL,
    data bytea NOT NULL,             -- exact typed values, packed by the server
    bit_vector bytea,
    histogram bytea,
    analyzed_at timestamptz,
    PRIMARY KEY (table_id, partition, engine, column_name)
);

CREATE TABLE constraints (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_id bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    kind text NOT NULL,              -- primary_key, foreign_key, unique, not_null, default, check
    columns text[] NOT NULL,
    parent_table_id bigint,
    parent_columns text[],
    body text NOT NULL,              -- JSON: expression, rules, enable / validate / rely
    created_at timestamptz NOT NULL,
    UNIQUE (table_id, name)
);
CREATE INDEX constraints_parent ON constraints (parent_table_id) WHERE parent_table_id IS NOT NULL;

CREATE TABLE connections (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    catalog_id bigint NOT NULL REFERENCES catalogs,
    name text COLLATE "C" NOT NULL,  -- case kept, compared as it is
    type text NOT NULL,
    description text,
    properties text[],               -- without secrets
    body text,                       -- JSON: everything else the fact table knows
    secrets bytea,                   -- sealed JSON object
    status text,
    status_reason text,
    validated_at timestamptz,
    updated_by text,
    version bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (catalog_id, name)
);

CREATE TABLE tags (
    kind text NOT NULL,
    object_id bigint NOT NULL,
    key text COLLATE "C" NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (kind, object_id, key)
);

-- What a search looks through, one row a live table. The name stands here too: common words are found by walking in its
-- order instead of sorting all that match.
CREATE TABLE table_search (
    table_id bigint PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    doc tsvector NOT NULL
);
CREATE INDEX table_search_doc ON table_search USING gin (doc) WITH (fastupdate = off);
CREATE INDEX table_search_name ON table_search (name, table_id);

CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    password text,                   -- scrypt; NULL: tokens only
    admin boolean NOT NULL DEFAULT false,
    disabled boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE tokens (
    id uuid PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    name text NOT NULL,
    hash bytea NOT NULL UNIQUE,      -- SHA-256 of the token
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX tokens_user ON tokens (user_id);

-- Work to be done after a commit, by whichever server takes the lease.
CREATE TABLE jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,              -- delete_data, ...
    payload text NOT NULL,           -- JSON
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    run_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts integer NOT NULL DEFAULT 0,
    leased_until timestamptz,
    leased_by uuid,
    error text
);
CREATE INDEX jobs_due ON jobs (run_at);

-- A directory that is being moved. Written before the move, removed with the metadata change after it; whoever finds
-- one whose lease is over finishes or reverses it.
CREATE TABLE directory_intents (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_id bigint NOT NULL,
    from_uri text NOT NULL,
    to_uri text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    leased_until timestamptz NOT NULL,
    leased_by uuid NOT NULL,
    partition text,                  -- a partition's own move; NULL: the table's directory
    aside boolean NOT NULL DEFAULT false -- set aside in to_uri while its drop is not committed, or not yet back from there
);
CREATE UNIQUE INDEX directory_intents_table ON directory_intents (table_id, from_uri);

-- Data of what was dropped, set aside until a job deletes it or somebody brings back what it belongs to.
CREATE TABLE dropped_data (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id bigint NOT NULL,
    table_id bigint NOT NULL,
    partition text COLLATE "C",      -- dropped alone; NULL: dropped with the table
    seq bigint,                      -- the change that dropped the partition
    from_uri text COLLATE "C" NOT NULL, -- where it belongs, also after a rename of the table
    aside_uri text NOT NULL,
    begun boolean NOT NULL DEFAULT false -- being deleted: cannot be brought back
);
CREATE INDEX dropped_data_job ON dropped_data (job_id);
CREATE INDEX dropped_data_table ON dropped_data (table_id);
