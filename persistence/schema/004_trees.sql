-- Trees of jobs: a root is a job like any other (of kind 'tree', without steps), and this is what else is known of it.
CREATE TABLE tree (
  job INTEGER PRIMARY KEY REFERENCES job (id) ON DELETE CASCADE,
  name TEXT NOT NULL CHECK (name <> ''),
  at_once INTEGER NOT NULL CHECK (at_once > 0),
  stops INTEGER NOT NULL CHECK (stops IN (0, 1)),
  hold TEXT NOT NULL -- hosts, with commas
) STRICT;

-- What a branch does or waits for, how far it is, and its sub-job once that is made.
CREATE TABLE branch (
  root INTEGER NOT NULL REFERENCES tree (job) ON DELETE CASCADE,
  number INTEGER NOT NULL CHECK (number >= 0),
  name TEXT NOT NULL CHECK (name <> ''),
  work TEXT NOT NULL CHECK (CASE work {{branch_works}} ELSE 0 END),
  subject TEXT NOT NULL,
  wanted TEXT NOT NULL,
  after TEXT NOT NULL CHECK (after NOT GLOB '*[^0-9,]*'), -- numbers of branches, with commas
  deadline INTEGER NOT NULL CHECK (deadline >= 0), -- from started; 0 is none
  fails_late INTEGER NOT NULL CHECK (fails_late IN (0, 1)),
  state TEXT NOT NULL CHECK (CASE state {{branch_states}} ELSE 0 END),
  job INTEGER CHECK (job > 0), -- no reference: history may let go of the one before the other
  cursor INTEGER NOT NULL CHECK (cursor >= 0),
  told TEXT NOT NULL,
  started INTEGER,
  ended INTEGER,
  PRIMARY KEY (root, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX job_by_root ON job (root, id);
