-- Webhooks: where events are sent to, and what became of each.

-- What belongs to an area and to no single project, such as a webhook.
ALTER TABLE event ALTER COLUMN project_id DROP NOT NULL;
ALTER TABLE event ADD COLUMN recorded_at timestamptz NOT NULL DEFAULT now();

CREATE TABLE webhook (
    id text CONSTRAINT webhook_pkey PRIMARY KEY
        CONSTRAINT webhook_id_form CHECK (id ~ '^[A-Za-z0-9._-]{1,64}$'),
    seq bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT webhook_seq_unique UNIQUE,
    url text NOT NULL,
    event_types text[] NOT NULL DEFAULT '{}',
    area text NOT NULL,
    project_id text CONSTRAINT webhook_project_known REFERENCES project (id),
    active boolean NOT NULL,
    disabled_reason text,
    -- Signing needs the secret itself, so it cannot be kept as a hash.
    secret text NOT NULL,
    previous_secret text,
    previous_secret_until timestamptz,
    -- The outbox up to here was looked through for this webhook.
    cursor_tx xid8 NOT NULL,
    cursor_seq bigint NOT NULL,
    -- The lease of one process that sends to it; an expired one may be taken over.
    claim uuid,
    claimed_until timestamptz,
    served_at timestamptz NOT NULL DEFAULT now(),
    rests_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    version integer NOT NULL DEFAULT 1,
    CONSTRAINT webhook_disabled_rests CHECK (disabled_reason IS NULL OR NOT active),
    CONSTRAINT webhook_previous_secret_ends CHECK ((previous_secret IS NULL) = (previous_secret_until IS NULL))
);

CREATE TABLE webhook_delivery (
    id uuid CONSTRAINT webhook_delivery_pkey PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT webhook_delivery_seq_unique UNIQUE,
    webhook_id text NOT NULL CONSTRAINT webhook_delivery_webhook_known REFERENCES webhook (id) ON DELETE CASCADE,
    event_tx xid8 NOT NULL,
    event_seq bigint NOT NULL,
    status text NOT NULL CONSTRAINT webhook_delivery_status_known CHECK (status IN ('pending', 'delivered', 'failed')),
    -- Of the present round of the schedule; a replay begins a new one.
    tries integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    delivered_at timestamptz,
    attempts jsonb NOT NULL DEFAULT '[]',
    CONSTRAINT webhook_delivery_once UNIQUE (webhook_id, event_tx, event_seq),
    CONSTRAINT webhook_delivery_event_known FOREIGN KEY (event_tx, event_seq) REFERENCES event (tx, seq),
    CONSTRAINT webhook_delivery_delivered_when CHECK ((status = 'delivered') <= (delivered_at IS NOT NULL))
);
CREATE INDEX webhook_delivery_due ON webhook_delivery (webhook_id, due_at, event_tx, event_seq)
    WHERE status = 'pending';
CREATE INDEX webhook_delivery_log ON webhook_delivery (webhook_id, seq);
CREATE INDEX webhook_delivery_old ON webhook_delivery (created_at) WHERE status <> 'pending';
CREATE INDEX webhook_delivery_failed ON webhook_delivery (webhook_id) WHERE status = 'failed';

-- Answers to requests that carry an Idempotency-Key. Claimed in the transaction of the request's own effect; the answer
-- follows, so a row without one says: done, and the answer was lost.
CREATE TABLE idempotency_key (
    token_id uuid NOT NULL CONSTRAINT idempotency_key_token_known REFERENCES token (id),
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    holder uuid NOT NULL,
    created_at timestamptz NOT NULL,
    status integer,
    headers jsonb,
    body bytea,
    CONSTRAINT idempotency_key_pkey PRIMARY KEY (token_id, key),
    CONSTRAINT idempotency_key_answer_whole CHECK ((status IS NULL) = (headers IS NULL) AND (status IS NULL) = (body IS NULL))
);
CREATE INDEX idempotency_key_old ON idempotency_key (created_at);
