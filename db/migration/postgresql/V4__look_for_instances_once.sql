-- The foreign key of the tasks looked for the instance once a task, which took two thirds of the time of a commit.
-- These triggers look once for each instance that a statement adds tasks of, under the same lock, and refuse what the
-- key refused, as the same error. They look in the schema they were made in. A line that ends with a semicolon ends a
-- statement here, so within a function none does.

ALTER TABLE task_info_entity DROP CONSTRAINT IF EXISTS task_info_entity_instance;

CREATE OR REPLACE FUNCTION task_info_added() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    task record; BEGIN
    FOR task IN SELECT DISTINCT application_id, process_instance_id FROM added LOOP
        PERFORM FROM process_instance_entity AS instance
        WHERE instance.application_id = task.application_id AND instance.instance_id = task.process_instance_id
        FOR KEY SHARE; IF NOT FOUND THEN
            RAISE foreign_key_violation USING CONSTRAINT = 'task_info_entity_instance',
                MESSAGE = format('there is no instance %L of %L', task.process_instance_id, task.application_id); END IF; END LOOP; RETURN NULL; END
$$;

CREATE OR REPLACE FUNCTION task_info_moved() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM FROM process_instance_entity AS instance
    WHERE instance.application_id = NEW.application_id AND instance.instance_id = NEW.process_instance_id
    FOR KEY SHARE; IF NOT FOUND THEN
        RAISE foreign_key_violation USING CONSTRAINT = 'task_info_entity_instance',
            MESSAGE = format('there is no instance %L of %L', NEW.process_instance_id, NEW.application_id); END IF; RETURN NULL; END
$$;

CREATE OR REPLACE FUNCTION process_instance_gone() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM FROM task_info_entity AS task
    WHERE task.application_id = OLD.application_id AND task.process_instance_id = OLD.instance_id
    LIMIT 1; IF FOUND THEN
        RAISE foreign_key_violation USING CONSTRAINT = 'task_info_entity_instance',
            MESSAGE = format('instance %L of %L still has tasks', OLD.instance_id, OLD.application_id); END IF; RETURN NULL; END
$$;

CREATE TRIGGER task_info_added AFTER INSERT ON task_info_entity
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION task_info_added();

CREATE TRIGGER task_info_moved AFTER UPDATE OF application_id, process_instance_id ON task_info_entity
    FOR EACH ROW WHEN ((NEW.application_id, NEW.process_instance_id) IS DISTINCT FROM (OLD.application_id, OLD.process_instance_id))
    EXECUTE FUNCTION task_info_moved();

CREATE TRIGGER process_instance_deleted AFTER DELETE ON process_instance_entity
    FOR EACH ROW EXECUTE FUNCTION process_instance_gone();

CREATE TRIGGER process_instance_renamed AFTER UPDATE OF application_id, instance_id ON process_instance_entity
    FOR EACH ROW WHEN ((NEW.application_id, NEW.instance_id) IS DISTINCT FROM (OLD.application_id, OLD.instance_id))
    EXECUTE FUNCTION process_instance_gone();
