-- Schema 2: what operators say stays true, and what waits for their word.

-- How a host is closed for new jobs, up to which job its drain lets children begin, and since when it is empty.
ALTER TABLE cordon ADD COLUMN how TEXT NOT NULL DEFAULT 'cordon' CHECK (CASE how {{closures}} ELSE 0 END);
ALTER TABLE cordon ADD COLUMN last_job INTEGER NOT NULL DEFAULT 0 CHECK (last_job >= 0);
ALTER TABLE cordon ADD COLUMN drained INTEGER;

-- What an operator has said of the job: who, what and why.
ALTER TABLE job ADD COLUMN decided TEXT NOT NULL DEFAULT '';

CREATE TABLE hold (
  kind TEXT NOT NULL CHECK (kind <> ''),
  id TEXT NOT NULL CHECK (id <> ''),
  what TEXT NOT NULL CHECK (CASE what {{holds}} ELSE 0 END),
  why TEXT NOT NULL CHECK (why <> ''),
  since INTEGER NOT NULL,
  PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

-- The reference keeps the job, and with it what is needed to decide, for as long as nobody has decided.
CREATE TABLE dead_letter (
  kind TEXT NOT NULL CHECK (kind <> ''),
  id TEXT NOT NULL CHECK (id <> ''),
  job INTEGER NOT NULL REFERENCES job (id),
  since INTEGER NOT NULL,
  from_step INTEGER NOT NULL CHECK (from_step >= 0),
  who TEXT NOT NULL,
  PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX dead_letter_by_job ON dead_letter (job);

CREATE TABLE rebuild_owed (
  kind TEXT NOT NULL CHECK (kind <> ''),
  id TEXT NOT NULL CHECK (id <> ''),
  host TEXT NOT NULL CHECK (host <> ''),
  PRIMARY KEY (kind, id, host)
) STRICT, WITHOUT ROWID;

-- What had failed before and was left to people waits for them here now.
INSERT INTO dead_letter
SELECT r.kind, r.id, j.id, coalesce(j.ended, j.created), 0, ''
FROM resource r JOIN job j ON j.id = (SELECT max(newest.id) FROM job newest WHERE newest.kind = r.kind AND newest.resource = r.id)
WHERE j.state = 'failed' AND (r.state = 'unresourced' OR r.degraded = 1);
