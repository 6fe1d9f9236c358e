-- What few clients ask for, and nothing here depends on: schemas of a registry, resource plans, stored procedures,
-- scheduled queries... One row each; the door that made it reads the body.
CREATE TABLE things (
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE, -- never given twice
    kind text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,   -- its names, each with a '/' behind it
    body bytea NOT NULL,
    sealed boolean NOT NULL,         -- the body is a secret
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (kind, key)
);
