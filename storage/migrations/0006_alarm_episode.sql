-- The history of alarms and of gauges' faults in event time, and what it takes to judge a part of it again.

CREATE TABLE alarm_episode (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT alarm_episode_pkey PRIMARY KEY,
    sensor_id text NOT NULL CONSTRAINT alarm_episode_sensor_known REFERENCES sensor (id),
    -- NULL where it is the gauge's own fault.
    level text,
    code text NOT NULL,
    since timestamptz NOT NULL,
    raised_at timestamptz NOT NULL,
    ended_at timestamptz,
    end_reason text CONSTRAINT alarm_episode_reason_known
        CHECK (end_reason IN ('cleared', 'withdrawn', 'level_removed')),
    details jsonb NOT NULL DEFAULT '{}',
    finding_id uuid NOT NULL CONSTRAINT alarm_episode_finding_known REFERENCES finding (id),
    CONSTRAINT alarm_episode_end_whole CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE INDEX alarm_episode_sensor ON alarm_episode (sensor_id, id);
CREATE INDEX alarm_episode_open ON alarm_episode (code, sensor_id) WHERE ended_at IS NULL;

-- Where a sensor's alarm stood at times in the past, so that late readings need not be judged from the beginning.
CREATE TABLE alarm_checkpoint (
    sensor_id text NOT NULL CONSTRAINT alarm_checkpoint_sensor_known REFERENCES sensor (id),
    t timestamptz NOT NULL,
    state jsonb NOT NULL,
    CONSTRAINT alarm_checkpoint_pkey PRIMARY KEY (sensor_id, t)
);

-- The part of a sensor's alarm history that late or changed readings put in question, from a time on; how far judging
-- it again has come.
CREATE TABLE rejudgement (
    sensor_id text CONSTRAINT rejudgement_pkey PRIMARY KEY
        CONSTRAINT rejudgement_sensor_known REFERENCES sensor (id),
    from_t timestamptz NOT NULL,
    progress jsonb,
    requested_at timestamptz NOT NULL DEFAULT now()
);

-- States are of another form now; a level that is still exceeded is raised anew, under the key of its episode.
DELETE FROM alarm_state;
