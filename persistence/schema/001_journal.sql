-- The journal, schema 1. {{names}} are filled in from the tables in C++ (persistence/migrations.cpp), so that names and
-- checks cannot differ. They are WHEN … THEN 1 for each name: IN with a list would build a table of it for every row written.
-- Times are milliseconds since 1970 UTC, durations are milliseconds, '' is "none" for texts.

CREATE TABLE meta (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  journal_id TEXT NOT NULL CHECK (length(journal_id) = 8 AND journal_id NOT GLOB '*[^0-9a-f]*'),
  epoch INTEGER NOT NULL CHECK (epoch >= 0),
  last_job INTEGER NOT NULL CHECK (last_job >= 0) -- the highest number ever given out, also after its job was deleted
) STRICT;

-- The characters are those of resource_id::parse: what stands here can be a cursor, a path and a run id.
CREATE TABLE resource (
  kind TEXT NOT NULL CHECK (kind <> '' AND kind NOT GLOB '*[^A-Za-z0-9_.-]*'),
  id TEXT NOT NULL CHECK (id <> '' AND id NOT GLOB '*[^A-Za-z0-9_.-]*'),
  state TEXT NOT NULL CHECK (CASE state {{lifecycle_states}} ELSE 0 END),
  name TEXT NOT NULL,
  project TEXT NOT NULL,
  updated TEXT NOT NULL,
  reason TEXT NOT NULL,
  degraded INTEGER NOT NULL CHECK (degraded IN (0, 1)),
  changed INTEGER NOT NULL,
  due INTEGER,
  unconfirmed INTEGER NOT NULL CHECK (unconfirmed IN (0, 1)),
  PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

-- Apart from their resources, so that reading all resources at start does not read a hundred thousand documents.
CREATE TABLE document (
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  body TEXT NOT NULL CHECK (length(CAST(body AS BLOB)) <= {{document_bytes}}),
  PRIMARY KEY (kind, id),
  FOREIGN KEY (kind, id) REFERENCES resource (kind, id) ON DELETE CASCADE
) STRICT;

-- One index for each way to filter a list, in the list's order, and with the columns of the other filters, so that a page
-- and its total are found without touching rows that do not match.
CREATE INDEX resource_by_state ON resource (state, kind, id, degraded);
CREATE INDEX resource_by_project ON resource (project, kind, id, state, degraded);
CREATE INDEX resource_degraded ON resource (kind, id, state, project) WHERE degraded = 1;

-- Kept by the triggers below: totals do not count a hundred thousand rows.
CREATE TABLE resource_count (
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  degraded INTEGER NOT NULL,
  total INTEGER NOT NULL CHECK (total >= 0),
  PRIMARY KEY (kind, state, degraded)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER resource_added AFTER INSERT ON resource BEGIN
  INSERT INTO resource_count VALUES (new.kind, new.state, new.degraded, 1) ON CONFLICT DO UPDATE SET total = total + 1;
END;
CREATE TRIGGER resource_moved AFTER UPDATE ON resource
WHEN old.state IS NOT new.state OR old.degraded IS NOT new.degraded BEGIN
  UPDATE resource_count SET total = total - 1 WHERE kind = old.kind AND state = old.state AND degraded = old.degraded;
  INSERT INTO resource_count VALUES (new.kind, new.state, new.degraded, 1) ON CONFLICT DO UPDATE SET total = total + 1;
END;
CREATE TRIGGER resource_removed AFTER DELETE ON resource BEGIN
  UPDATE resource_count SET total = total - 1 WHERE kind = old.kind AND state = old.state AND degraded = old.degraded;
END;

-- No reference to the resource, nor to parent and root: history outlives them.
CREATE TABLE job (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  parent INTEGER CHECK (parent > 0),
  root INTEGER NOT NULL CHECK (root > 0),
  kind TEXT NOT NULL CHECK (kind <> ''),
  resource TEXT NOT NULL CHECK (resource <> ''),
  what TEXT NOT NULL CHECK (CASE what {{operations}} ELSE 0 END),
  during TEXT NOT NULL CHECK (CASE during {{lifecycle_states}} ELSE 0 END),
  state TEXT NOT NULL CHECK (CASE state {{job_states}} ELSE 0 END),
  lane TEXT NOT NULL CHECK (CASE lane {{lanes}} ELSE 0 END),
  cause TEXT NOT NULL,
  repair INTEGER NOT NULL CHECK (repair IN (0, 1)),
  only_host TEXT NOT NULL,
  attempt INTEGER NOT NULL CHECK (attempt > 0),
  not_before INTEGER,
  cancel TEXT NOT NULL,
  waits_for TEXT NOT NULL,
  wait_deadline INTEGER,
  created INTEGER NOT NULL,
  started INTEGER,
  ended INTEGER,
  deadline INTEGER NOT NULL CHECK (deadline >= 0), -- from started; 0 is none
  degraded INTEGER NOT NULL CHECK (degraded IN (0, 1)),
  error_code TEXT NOT NULL,
  error_message TEXT NOT NULL
) STRICT;
CREATE INDEX job_by_state ON job (state, id);
CREATE INDEX job_by_resource ON job (kind, resource, id);

CREATE TABLE job_count (
  state TEXT PRIMARY KEY,
  total INTEGER NOT NULL CHECK (total >= 0)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER job_added AFTER INSERT ON job BEGIN
  INSERT INTO job_count VALUES (new.state, 1) ON CONFLICT DO UPDATE SET total = total + 1;
  UPDATE meta SET last_job = new.id WHERE last_job < new.id;
END;
CREATE TRIGGER job_moved AFTER UPDATE ON job WHEN old.state IS NOT new.state BEGIN
  UPDATE job_count SET total = total - 1 WHERE state = old.state;
  INSERT INTO job_count VALUES (new.state, 1) ON CONFLICT DO UPDATE SET total = total + 1;
END;
CREATE TRIGGER job_removed AFTER DELETE ON job BEGIN
  UPDATE job_count SET total = total - 1 WHERE state = old.state;
END;

-- What is left of ended jobs that are deleted: how many ended so on which day (days since 1970, UTC), and how long they took.
CREATE TABLE job_summary (
  day INTEGER NOT NULL,
  kind TEXT NOT NULL,
  what TEXT NOT NULL,
  state TEXT NOT NULL,
  total INTEGER NOT NULL CHECK (total > 0),
  took INTEGER NOT NULL CHECK (took >= 0), -- all of them together
  longest INTEGER NOT NULL CHECK (longest >= 0),
  PRIMARY KEY (day, kind, what, state)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER job_summed AFTER DELETE ON job WHEN old.ended IS NOT NULL BEGIN
  INSERT INTO job_summary VALUES (old.ended / 86400000, old.kind, old.what, old.state, 1,
    coalesce(max(old.ended - old.started, 0), 0), coalesce(max(old.ended - old.started, 0), 0))
  ON CONFLICT DO UPDATE SET total = total + 1, took = took + excluded.took, longest = max(longest, excluded.longest);
END;

CREATE TABLE step (
  job INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
  number INTEGER NOT NULL CHECK (number >= 0),
  host TEXT NOT NULL,
  primitive TEXT NOT NULL,
  verb TEXT NOT NULL,
  role TEXT NOT NULL,
  about TEXT NOT NULL,
  parameters TEXT NOT NULL,
  deadline INTEGER NOT NULL CHECK (deadline >= 0),
  stall INTEGER NOT NULL CHECK (stall >= 0), -- 0 is none
  state TEXT NOT NULL CHECK (CASE state {{step_states}} ELSE 0 END),
  run TEXT NOT NULL CHECK (length(run) <= 64 AND run NOT GLOB '*[^0-9a-z-]*'),
  attempt INTEGER NOT NULL CHECK (attempt >= 0),
  exit_code INTEGER,
  output TEXT NOT NULL,
  error TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  started INTEGER,
  ended INTEGER,
  PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;

-- The key is what makes a second holder impossible.
CREATE TABLE lease (
  host TEXT NOT NULL CHECK (host <> ''),
  scope TEXT NOT NULL,
  job INTEGER NOT NULL REFERENCES job (id),
  epoch INTEGER NOT NULL CHECK (epoch >= 0),
  since INTEGER NOT NULL,
  PRIMARY KEY (host, scope)
) STRICT, WITHOUT ROWID;
CREATE INDEX lease_by_job ON lease (job);

-- AUTOINCREMENT: a delivered report's number is never given out again, so that a late end_report ends no other.
CREATE TABLE report (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind <> ''),
  resource TEXT NOT NULL CHECK (resource <> ''),
  job INTEGER,
  state TEXT NOT NULL CHECK (CASE state {{lifecycle_states}} ELSE 0 END),
  created INTEGER NOT NULL
) STRICT;
CREATE INDEX report_by_resource ON report (kind, resource, sequence);

-- Numbers without gaps: only the oldest are ever deleted, so the last less the first is how many there are.
CREATE TABLE event (
  sequence INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  topic TEXT NOT NULL CHECK (topic <> ''),
  kind TEXT NOT NULL,
  resource TEXT NOT NULL,
  root INTEGER,
  job INTEGER,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX event_by_resource ON event (kind, resource, sequence) WHERE kind <> '';

-- Up to which event each sink has been sent what it wants. Committed now and then: what was sent since is sent again.
CREATE TABLE sink (
  name TEXT PRIMARY KEY CHECK (name <> ''),
  after INTEGER NOT NULL CHECK (after >= 0)
) STRICT, WITHOUT ROWID;

-- Hosts on which no new job may begin.
CREATE TABLE cordon (
  host TEXT PRIMARY KEY CHECK (host <> ''),
  why TEXT NOT NULL CHECK (why <> ''),
  since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE host (
  host TEXT PRIMARY KEY CHECK (host <> ''),
  boot_id TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
