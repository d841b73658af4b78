-- How far each schedule of the region file has come, and whether somebody has paused it.
CREATE TABLE schedule (
  name TEXT PRIMARY KEY CHECK (name <> ''),
  rule TEXT NOT NULL,              -- cron expression and time zone that the times are of
  dealt INTEGER,                   -- all firings up to then have been dealt with; NULL: it begins anew
  fired INTEGER,                   -- the last firing that began something
  job INTEGER CHECK (job > 0),     -- the root of what it began
  paused TEXT NOT NULL,            -- who, and why
  paused_since INTEGER,
  CHECK ((paused = '') = (paused_since IS NULL))
) STRICT, WITHOUT ROWID;
