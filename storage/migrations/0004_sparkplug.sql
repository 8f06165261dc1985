-- Edge nodes and devices of Sparkplug: whether they are online, and what their last births defined.

CREATE TABLE sparkplug_source (
    group_id text NOT NULL CONSTRAINT sparkplug_source_project_known REFERENCES project (id),
    node_id text NOT NULL,
    -- Empty for the edge node itself.
    device_id text NOT NULL,
    is_online boolean NOT NULL,
    since timestamptz NOT NULL,
    bd_seq bigint,
    -- Data that arrived before may be of another session, in which an alias meant another metric.
    valid_from timestamptz NOT NULL,
    -- Of the last birth: a list of [name, alias, datatype].
    metrics jsonb NOT NULL,
    CONSTRAINT sparkplug_source_pkey PRIMARY KEY (group_id, node_id, device_id)
);
