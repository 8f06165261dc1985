-- The evidence log: facts that wait for their place, entries in their order for good, the tree above them, who signs.

-- Written in the transaction of the fact; the one who holds the log's lock moves it to its place.
CREATE TABLE log_pending (
    seq bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT log_pending_pkey PRIMARY KEY,
    kind text NOT NULL,
    project_id text,
    subject text NOT NULL,
    leaf bytea NOT NULL,
    content bytea NOT NULL
);

CREATE TABLE log_entry (
    index bigint CONSTRAINT log_entry_pkey PRIMARY KEY CONSTRAINT log_entry_index_counts CHECK (index >= 0),
    kind text NOT NULL,
    project_id text,
    subject text NOT NULL,
    leaf bytea NOT NULL
);
CREATE INDEX log_entry_subject ON log_entry (subject, index);
CREATE INDEX log_entry_of_the_log ON log_entry (index) WHERE project_id IS NULL;
CREATE TRIGGER log_entry_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON log_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What a leaf's digest stands for. Apart, because a law may ask for its deletion, and the leaf outlives that.
CREATE TABLE log_content (
    index bigint CONSTRAINT log_content_pkey PRIMARY KEY CONSTRAINT log_content_entry_known REFERENCES log_entry (index),
    content bytea NOT NULL
);
CREATE TRIGGER log_content_never_changed BEFORE UPDATE OR TRUNCATE ON log_content
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Hashes of complete subtrees (RFC 6962): node (level, index) covers the entries from index * 2^level, 2^level of them.
CREATE TABLE log_node (
    level smallint NOT NULL,
    index bigint NOT NULL,
    hash bytea NOT NULL CONSTRAINT log_node_hash_whole CHECK (length(hash) = 32),
    CONSTRAINT log_node_pkey PRIMARY KEY (level, index)
);
CREATE TRIGGER log_node_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON log_node
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE log_checkpoint (
    size bigint CONSTRAINT log_checkpoint_pkey PRIMARY KEY,
    note text NOT NULL,
    signed_at timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER log_checkpoint_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON log_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Public keys; the last one signs, beginning with the checkpoint of this size.
CREATE TABLE log_key (
    seq bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT log_key_pkey PRIMARY KEY,
    key text NOT NULL,
    from_size bigint NOT NULL
);
CREATE TRIGGER log_key_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON log_key
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
