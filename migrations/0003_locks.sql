-- Locks and ACID transactions of the Hive Metastore's clients. None of it has versions or stands in the change log, but all of it
-- survives a crash. A heartbeat changes no column that an index knows, and finds room on its page, so that it touches the heap
-- only. Names are as the clients give them, folded; what they name need not exist. '' stands for "all of it".

CREATE SEQUENCE lock_ids;

CREATE TABLE locks (
    id bigint PRIMARY KEY,
    txn_id bigint,                   -- the transaction it lives and dies with
    owner text NOT NULL,
    host text NOT NULL,
    agent text NOT NULL,
    heartbeat_at timestamptz NOT NULL,
    heartbeats integer NOT NULL DEFAULT 0,
    acquired_at timestamptz,         -- NULL: waits
    blocked_by bigint,               -- whom it waits for, as of the last look
    blocked_by_no integer
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
CREATE INDEX locks_txn ON locks (txn_id) WHERE txn_id IS NOT NULL;

CREATE TABLE lock_components (
    lock_id bigint NOT NULL REFERENCES locks ON DELETE CASCADE,
    no integer NOT NULL,
    txn_id bigint,                   -- that of the lock
    kind smallint NOT NULL,          -- one bit
    waits_database smallint NOT NULL, -- for earlier locks of these kinds on the whole database
    waits_below smallint NOT NULL,   -- and of these on something in it
    catalog text COLLATE "C" NOT NULL,
    database text COLLATE "C" NOT NULL,
    table_name text COLLATE "C" NOT NULL,
    partition text COLLATE "C" NOT NULL,
    PRIMARY KEY (lock_id, no)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
CREATE INDEX lock_components_of ON lock_components (database, table_name, lock_id);

-- One row: when a server looked last for what has timed out. When none did for long, nobody could send heartbeats, and nothing
-- times out before it had a full timeout to do so.
CREATE TABLE lock_watch (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    seen_at timestamptz NOT NULL,
    resumed_at timestamptz NOT NULL
) WITH (fillfactor = 10);
INSERT INTO lock_watch (seen_at, resumed_at) VALUES (clock_timestamp(), clock_timestamp());

-- One row: the newest transaction. Its row lock keeps the order of ids that of commits, so one snapshot of this table and
-- the next is always a whole picture.
CREATE TABLE acid_counter (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    last_txn bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
INSERT INTO acid_counter DEFAULT VALUES;

CREATE TABLE acid_txns (
    id bigint PRIMARY KEY,
    state smallint NOT NULL,         -- 1 committed, 2 aborted, 3 open
    type smallint NOT NULL,
    owner text NOT NULL,
    host text NOT NULL,
    agent text NOT NULL,
    started_at timestamptz NOT NULL,
    heartbeat_at timestamptz NOT NULL,
    heartbeats integer NOT NULL DEFAULT 0,
    horizon bigint NOT NULL,         -- the oldest transaction that was open when this one began
    ended_after bigint               -- the newest transaction when this one ended: it was open for all up to that
) WITH (fillfactor = 50);
CREATE INDEX acid_txns_open ON acid_txns (id) WHERE state = 3;
CREATE INDEX acid_txns_invalid ON acid_txns (id) WHERE state <> 1;

-- What a transaction writes.
CREATE TABLE acid_components (
    txn_id bigint NOT NULL REFERENCES acid_txns ON DELETE CASCADE,
    operation smallint NOT NULL,     -- 2 insert, 3 update, 4 delete
    catalog text COLLATE "C" NOT NULL,
    database text COLLATE "C" NOT NULL,
    table_name text COLLATE "C" NOT NULL,
    partition text COLLATE "C" NOT NULL
);
CREATE INDEX acid_components_txn ON acid_components (txn_id);
CREATE INDEX acid_components_of ON acid_components (database, table_name);

-- Each ACID table numbers what is written to it.
CREATE TABLE acid_tables (
    id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    catalog text COLLATE "C" NOT NULL,
    database text COLLATE "C" NOT NULL,
    table_name text COLLATE "C" NOT NULL,
    last_write_id bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (database, table_name, catalog)
) WITH (fillfactor = 50);

CREATE TABLE acid_write_ids (
    acid_table_id bigint NOT NULL,
    write_id bigint NOT NULL,
    txn_id bigint NOT NULL,
    PRIMARY KEY (acid_table_id, write_id)
);
CREATE INDEX acid_write_ids_txn ON acid_write_ids (txn_id, acid_table_id);
