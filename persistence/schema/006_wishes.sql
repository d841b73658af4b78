-- A branch may ask the cloud for a scrub or a restore: the check of its work is made anew, and nothing else.
CREATE TABLE branch_again (
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
INSERT INTO branch_again SELECT * FROM branch;
DROP TABLE branch;
ALTER TABLE branch_again RENAME TO branch;
