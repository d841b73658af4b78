-- What each job changes is written to as few indexes as the lists can do with; what is left out is what most rows are.

-- A change of state leaves the one by project alone: a project's resources are few enough to be looked at.
DROP INDEX resource_by_project;
CREATE INDEX resource_by_project ON resource (project, kind, id);

-- Most jobs have succeeded, so a page of those is found by their numbers.
DROP INDEX job_by_state;
CREATE INDEX job_by_state ON job (state, id) WHERE state <> 'succeeded';

-- Most jobs are their own root.
DROP INDEX job_by_root;
CREATE INDEX job_by_root ON job (root, id) WHERE root <> id;
