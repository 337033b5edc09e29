-- The columns of the key in another order, so that the tasks of an instance stand beside each other: a commit then
-- touches a few pages of the index instead of one for each task, and the key itself finds an instance's tasks. Only the
-- live ones, which a restart reads, need an index of their own.

ALTER TABLE task_info_entity
    DROP CONSTRAINT task_info_entity_pkey,
    ADD CONSTRAINT task_info_entity_pkey PRIMARY KEY (application_id, process_instance_id, json_pointer, iteration);

DROP INDEX task_info_by_instance;

CREATE INDEX task_info_live ON task_info_entity (application_id, process_instance_id) WHERE task_type <> 1;
