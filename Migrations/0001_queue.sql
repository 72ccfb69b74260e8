-- The queue: every job, attempt, change of state and result is a row.
-- Times are integer milliseconds since 1970 in UTC. Ids are never used again (AUTOINCREMENT).
-- What must never happen is refused here by triggers, whoever writes.
-- Rules that every change passes say `a = 'x' OR a = 'y'`: for `a IN ('x', 'y', 'z')` SQLite builds a table each time,
-- which took half of the time of a change.

CREATE TABLE setting (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A worker process. It holds an OS lock on workers/<name>.lock for as long as it lives.
CREATE TABLE worker (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  name       TEXT NOT NULL UNIQUE,
  host       TEXT NOT NULL,
  boot_id    TEXT NOT NULL,
  pid        INTEGER NOT NULL,
  backend    TEXT NOT NULL,
  capacity   TEXT NOT NULL,           -- JSON: slots, cpus, memory, gpus
  started_at INTEGER NOT NULL,
  seen_at    INTEGER NOT NULL,
  note       TEXT,                    -- why it starts nothing at the moment, NULL while it does
  free       TEXT,                    -- JSON: what it could take when it last looked, see Capacity; NULL if nobody asks
  ended_at   INTEGER,
  end_reason TEXT
) STRICT;
CREATE INDEX worker_alive ON worker(id) WHERE ended_at IS NULL;

CREATE TABLE sweep (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  name         TEXT NOT NULL UNIQUE,
  command      TEXT NOT NULL,         -- JSON array: the template, as it was given
  parameters   TEXT NOT NULL,         -- JSON array of parameter names, in order
  settings     TEXT NOT NULL,         -- JSON object, see SweepSettings
  created_at   INTEGER NOT NULL,
  next_index   INTEGER NOT NULL DEFAULT 0,
  max_failures INTEGER,
  paused_at    INTEGER,
  pause_reason TEXT
) STRICT;

CREATE TABLE sweep_tag (
  sweep INTEGER NOT NULL REFERENCES sweep(id) ON DELETE CASCADE,
  name  TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (sweep, name)
) STRICT, WITHOUT ROWID;

-- A lane: the jobs of one sweep with the same resources and priority. It carries their counts by state, kept by
-- trigger, so that status and claim cost the same with ten jobs and with ten million.
CREATE TABLE lane (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  sweep     INTEGER NOT NULL REFERENCES sweep(id) ON DELETE CASCADE,
  priority  INTEGER NOT NULL,
  resources TEXT NOT NULL,            -- JSON object, see Resources
  executor  TEXT,                     -- where its jobs may run, see Placement; NULL for anywhere
  uses      TEXT NOT NULL DEFAULT '', -- JSON object: how much of each named limit one job uses; '' for none
  loader    TEXT,                     -- the lock of a submit that is still adding jobs
  blocked   INTEGER NOT NULL DEFAULT 0 CHECK (blocked IN (0, 1)),  -- dependencies unfinished
  unsettled INTEGER NOT NULL DEFAULT 0 CHECK (unsettled IN (0, 1)),  -- what it waits for may have ended
  open      INTEGER NOT NULL DEFAULT 1 CHECK (open IN (0, 1)),     -- may be claimed from; kept by trigger
  held      INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0),
  waiting   INTEGER NOT NULL DEFAULT 0 CHECK (waiting >= 0),
  queued    INTEGER NOT NULL DEFAULT 0 CHECK (queued >= 0),
  claimed   INTEGER NOT NULL DEFAULT 0 CHECK (claimed >= 0),
  submitted INTEGER NOT NULL DEFAULT 0 CHECK (submitted >= 0),
  running   INTEGER NOT NULL DEFAULT 0 CHECK (running >= 0),
  completed INTEGER NOT NULL DEFAULT 0 CHECK (completed >= 0),
  failed    INTEGER NOT NULL DEFAULT 0 CHECK (failed >= 0),
  cancelled INTEGER NOT NULL DEFAULT 0 CHECK (cancelled >= 0),
  active    INTEGER GENERATED ALWAYS AS (claimed + submitted + running) VIRTUAL
) STRICT;
CREATE INDEX lane_sweep ON lane(sweep);
-- Only lanes that have something to claim; a paused sweep's lanes leave it without its jobs being touched. What a
-- worker may not or cannot run stands apart from what it can, so that it never has to be walked over.
CREATE INDEX lane_ready ON lane(executor, resources, uses, priority DESC, id) WHERE queued > 0 AND open = 1;
-- Lanes that hold something of a named limit.
CREATE INDEX lane_using ON lane(id) WHERE uses <> '' AND claimed + submitted + running > 0;
CREATE INDEX lane_blocked ON lane(id) WHERE blocked = 1;
CREATE INDEX lane_unsettled ON lane(id) WHERE blocked = 1 AND unsettled = 1;
CREATE INDEX lane_loading ON lane(loader) WHERE loader IS NOT NULL;

-- How many starts of a sweep's jobs each executor has had, less those that came to nothing.
CREATE TABLE sweep_start (
  sweep    INTEGER NOT NULL REFERENCES sweep(id) ON DELETE CASCADE,
  executor TEXT NOT NULL,
  count    INTEGER NOT NULL,
  PRIMARY KEY (sweep, executor)
) STRICT, WITHOUT ROWID;

-- Columns that would need an index of their own for a foreign key alone (lane, attempt, worker) are checked by
-- `sweepq check` instead: each index costs every change of state.
CREATE TABLE job (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  sweep      INTEGER NOT NULL REFERENCES sweep(id),
  lane       INTEGER NOT NULL,
  idx        INTEGER NOT NULL,        -- its place in the sweep, from 0
  params     TEXT NOT NULL,           -- JSON object
  state      TEXT NOT NULL CHECK (state = 'queued' OR state = 'claimed' OR state = 'running' OR state = 'completed'
               OR state = 'failed' OR state = 'cancelled' OR state = 'waiting' OR state = 'held'
               OR state = 'submitted'),
  attempt    INTEGER,                 -- the last one
  attempts   INTEGER NOT NULL DEFAULT 0,   -- how many were made
  failures   INTEGER NOT NULL DEFAULT 0,   -- of them, how many were charged to the retry budget
  losses     INTEGER NOT NULL DEFAULT 0,   -- and how many were not
  worker     INTEGER,                 -- who made the last change, NULL for a person
  reason     TEXT,                    -- why the last change was made
  changed_at INTEGER NOT NULL,
  due_at     INTEGER,                 -- not before this time
  cancel_at  INTEGER                  -- a person asked for its end while it was active
) STRICT;
CREATE INDEX job_sweep ON job(sweep);
CREATE INDEX job_ready ON job(lane, id) WHERE state = 'queued';
CREATE INDEX job_waiting ON job(lane, id) WHERE state = 'waiting';
CREATE INDEX job_due ON job(due_at) WHERE state = 'waiting' AND due_at IS NOT NULL;
CREATE INDEX job_held ON job(sweep, id) WHERE state = 'held';
CREATE INDEX job_failed ON job(sweep, id) WHERE state = 'failed';
CREATE INDEX job_cancelled ON job(sweep, id) WHERE state = 'cancelled';
CREATE INDEX job_cancel ON job(id) WHERE cancel_at IS NOT NULL;

-- One call of sbatch, qsub or bsub. The row is there before the call: one without an answer may have been made or not.
CREATE TABLE submission (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  executor     TEXT NOT NULL,
  worker       INTEGER NOT NULL,      -- who looks after it
  token        TEXT NOT NULL UNIQUE,  -- of its folder, runs/submissions/<token>
  job_name     TEXT NOT NULL,         -- by which the scheduler finds it
  kind         TEXT NOT NULL CHECK (kind IN ('single', 'array', 'bundle')),
  tasks        INTEGER NOT NULL CHECK (tasks >= 1),
  script       TEXT NOT NULL,
  command      TEXT NOT NULL,         -- JSON array
  intended_at  INTEGER NOT NULL,
  native_id    TEXT,
  accepted_at  INTEGER,
  answer       TEXT,                  -- what was said when it was not accepted
  ended_at     INTEGER,               -- nothing is left to be asked or done about it
  CHECK ((native_id IS NULL) = (accepted_at IS NULL))
) STRICT;
CREATE INDEX submission_open ON submission(worker) WHERE ended_at IS NULL;

CREATE TABLE attempt (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  job         INTEGER NOT NULL REFERENCES job(id) ON DELETE CASCADE,
  number      INTEGER NOT NULL CHECK (number >= 1),
  token       TEXT NOT NULL,
  worker      INTEGER NOT NULL,
  executor    TEXT NOT NULL,
  submission  INTEGER,
  task        INTEGER,                -- of the submission's array, from 1
  note        TEXT,                   -- what its executor says of it at the moment
  hold        TEXT CHECK (hold = 'asked' OR hold = 'release'),  -- a person wants it held in the scheduler, or not any more
  claimed_at  INTEGER NOT NULL,
  started_at  INTEGER,
  ended_at    INTEGER,
  outcome     TEXT CHECK (outcome = 'succeeded' OR outcome = 'failed' OR outcome = 'timed_out'
                OR outcome = 'out_of_memory' OR outcome = 'preempted' OR outcome = 'node_failed'
                OR outcome = 'cancelled' OR outcome = 'rejected' OR outcome = 'lost' OR outcome = 'void'),
  reason      TEXT,
  exit_code   INTEGER,
  signal      INTEGER,
  host        TEXT,
  pid         INTEGER,
  boot_id     TEXT,
  devices     TEXT,                   -- GPUs assigned, separated by commas
  variables   TEXT,                   -- JSON object: its executor's variables that its command holds, NULL for none
  user_us     INTEGER,
  system_us   INTEGER,
  max_rss     INTEGER,                -- bytes
  nodes       TEXT,                   -- where it ran, as a scheduler writes it
  has_files   INTEGER NOT NULL DEFAULT 0 CHECK (has_files IN (0, 1)),  -- its folder still holds something
  unreachable_since INTEGER,
  CHECK ((ended_at IS NULL) = (outcome IS NULL))
) STRICT;
CREATE UNIQUE INDEX attempt_number ON attempt(job, number);
-- Two live attempts of one job cannot be written down, let alone run.
CREATE UNIQUE INDEX attempt_alone ON attempt(job) WHERE ended_at IS NULL;
CREATE INDEX attempt_alive ON attempt(worker) WHERE ended_at IS NULL;
CREATE INDEX attempt_hold ON attempt(worker) WHERE hold IS NOT NULL AND ended_at IS NULL;
CREATE INDEX attempt_submission ON attempt(submission) WHERE submission IS NOT NULL;

-- Its job is looked up by the trigger transition_is_true, and job_left removes it with its job.
CREATE TABLE transition (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  job        INTEGER NOT NULL,
  attempt    INTEGER,
  from_state TEXT,
  to_state   TEXT NOT NULL,
  at         INTEGER NOT NULL,
  worker     INTEGER,
  reason     TEXT
) STRICT;
CREATE INDEX transition_job ON transition(job);

CREATE TABLE output (
  attempt INTEGER NOT NULL REFERENCES attempt(id) ON DELETE CASCADE,
  stream  TEXT NOT NULL CHECK (stream IN ('stdout', 'stderr')),
  size    INTEGER NOT NULL,           -- bytes written by the job
  bytes   BLOB,                       -- the whole of it, or NULL where it stayed in the attempt's folder
  PRIMARY KEY (attempt, stream)
) STRICT, WITHOUT ROWID;

CREATE TABLE result (
  job     INTEGER NOT NULL,           -- its attempt's
  attempt INTEGER NOT NULL REFERENCES attempt(id) ON DELETE CASCADE,
  name    TEXT NOT NULL,
  value   ANY,
  PRIMARY KEY (job, attempt, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX result_attempt ON result(attempt);

-- Files that attempts have left and that were brought to the sweep's working directory. A place belongs to the first job of
-- the sweep that has brought a file there, so that no job overwrites another's.
CREATE TABLE collected (
  sweep INTEGER NOT NULL REFERENCES sweep(id) ON DELETE CASCADE,
  place BLOB NOT NULL,                -- relative to the working directory, as bytes
  job   INTEGER NOT NULL REFERENCES job(id) ON DELETE CASCADE,
  PRIMARY KEY (sweep, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX collected_job ON collected(job);

-- A lane waits for a job or for all jobs of a sweep.
CREATE TABLE dependency (
  lane     INTEGER NOT NULL REFERENCES lane(id) ON DELETE CASCADE,
  on_job   INTEGER,
  on_sweep INTEGER,
  kind     TEXT NOT NULL CHECK (kind IN ('success', 'any')),
  CHECK ((on_job IS NULL) <> (on_sweep IS NULL))
) STRICT;
CREATE INDEX dependency_lane ON dependency(lane);
CREATE INDEX dependency_job ON dependency(on_job) WHERE on_job IS NOT NULL;
CREATE INDEX dependency_sweep ON dependency(on_sweep) WHERE on_sweep IS NOT NULL;

CREATE TABLE named_limit (
  name     TEXT PRIMARY KEY,
  capacity INTEGER NOT NULL CHECK (capacity >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE lane_use (
  lane   INTEGER NOT NULL REFERENCES lane(id) ON DELETE CASCADE,
  name   TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount >= 1),
  PRIMARY KEY (lane, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX lane_use_name ON lane_use(name);

-- A submit with a key is done once, however often it is asked for.
CREATE TABLE submit_key (
  key       TEXT PRIMARY KEY,
  sweep     INTEGER NOT NULL REFERENCES sweep(id) ON DELETE CASCADE,
  first_job INTEGER NOT NULL,
  last_job  INTEGER NOT NULL,
  loader    TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX submit_key_sweep ON submit_key(sweep);

-- A change of many jobs that goes on, window by window of their ids, until it is done, whoever carries it out.
CREATE TABLE errand (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  kind        TEXT NOT NULL
              CHECK (kind IN ('cancel', 'hold', 'release', 'retry', 'rerun', 'priority', 'place', 'prune')),
  selection   TEXT NOT NULL,          -- JSON object, see JobSelection
  reason      TEXT,
  priority    INTEGER,
  placement   TEXT,                   -- place: where the jobs may run from now on; NULL for anywhere
  before      INTEGER,                -- prune: only what ended before this time
  asked_at    INTEGER NOT NULL,
  since       INTEGER NOT NULL,       -- the last transition when it was asked for
  first_job   INTEGER NOT NULL,
  last_job    INTEGER NOT NULL,       -- what was submitted later is not its business
  done_to     INTEGER NOT NULL,       -- up to this job all is done
  matched     INTEGER NOT NULL DEFAULT 0,
  changed     INTEGER NOT NULL DEFAULT 0,
  requested   INTEGER NOT NULL DEFAULT 0,
  sweeps      INTEGER NOT NULL DEFAULT 0,    -- prune: sweeps removed
  lanes       TEXT NOT NULL DEFAULT '{}',    -- priority, place: JSON object, the lanes made for those that wait
  finished_at INTEGER,
  failure     TEXT                    -- why it was given up
) STRICT;
CREATE INDEX errand_open ON errand(id) WHERE finished_at IS NULL;

-- Folders of attempts that were pruned, under runs, which are still to be removed.
CREATE TABLE leftover (
  path TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE executor (
  name         TEXT PRIMARY KEY,
  host         TEXT NOT NULL,
  scheduler    TEXT NOT NULL,
  title        TEXT,                  -- the scheduler with its version
  unreachable_since  INTEGER,         -- since when it could not be asked
  unreachable_reason TEXT,
  -- It is given nothing since then, and looked at again at that time; see ExecutorHealth.
  aside_since  INTEGER,
  aside_until  INTEGER,
  aside_reason TEXT,
  aside_pause  INTEGER NOT NULL DEFAULT 0,   -- milliseconds of the last pause
  trial_since  INTEGER,               -- taken back then, and given a single job until that has run
  faults       INTEGER NOT NULL DEFAULT 0,   -- what has failed in a row through its own fault
  -- What it had to spare when it was last looked at.
  measured_at  INTEGER,
  free_disk    INTEGER,               -- bytes
  load         REAL,
  free_memory  INTEGER,               -- bytes
  gpus         INTEGER,
  CHECK ((aside_since IS NULL) = (aside_until IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE executor_limit (
  executor    TEXT NOT NULL,
  name        TEXT NOT NULL,
  value       TEXT NOT NULL,
  observed_at INTEGER NOT NULL,
  PRIMARY KEY (executor, name)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER job_is_fixed BEFORE UPDATE OF id, sweep, idx, params ON job
BEGIN SELECT RAISE(ABORT, 'a job keeps its id, sweep, index and parameters'); END;

-- The state machine; the pairs are those of JobState.successors. History and counts are written here and nowhere
-- else, so that they cannot be forgotten. Rule and record stand in one trigger, because each costs every change.

CREATE TRIGGER job_begun AFTER INSERT ON job
BEGIN
  SELECT RAISE(ABORT, 'a new job is held, waiting or queued')
    WHERE NOT (NEW.state = 'queued' OR NEW.state = 'waiting' OR NEW.state = 'held');
  INSERT INTO transition(job, from_state, to_state, at, worker, reason)
    VALUES (NEW.id, NULL, NEW.state, NEW.changed_at, NEW.worker, NEW.reason);
  UPDATE lane SET held = held + (NEW.state = 'held'), waiting = waiting + (NEW.state = 'waiting'),
    queued = queued + (NEW.state = 'queued') WHERE id = NEW.lane;
END;

CREATE TRIGGER job_changed AFTER UPDATE OF state ON job WHEN NEW.state <> OLD.state
BEGIN
  SELECT CASE
    WHEN NOT CASE OLD.state
      WHEN 'queued' THEN NEW.state = 'claimed' OR NEW.state = 'cancelled' OR NEW.state = 'held'
      WHEN 'claimed' THEN NEW.state = 'running' OR NEW.state = 'submitted' OR NEW.state = 'queued'
        OR NEW.state = 'waiting' OR NEW.state = 'held' OR NEW.state = 'failed' OR NEW.state = 'cancelled'
      WHEN 'running' THEN NEW.state = 'completed' OR NEW.state = 'failed' OR NEW.state = 'cancelled'
        OR NEW.state = 'queued' OR NEW.state = 'waiting' OR NEW.state = 'held'
      WHEN 'submitted' THEN NEW.state = 'running' OR NEW.state = 'completed' OR NEW.state = 'failed'
        OR NEW.state = 'cancelled' OR NEW.state = 'queued' OR NEW.state = 'waiting' OR NEW.state = 'held'
      WHEN 'waiting' THEN NEW.state = 'queued' OR NEW.state = 'held' OR NEW.state = 'cancelled'
      WHEN 'held' THEN NEW.state = 'queued' OR NEW.state = 'waiting' OR NEW.state = 'cancelled'
      WHEN 'failed' THEN NEW.state = 'queued' OR NEW.state = 'waiting'
      WHEN 'cancelled' THEN NEW.state = 'queued' OR NEW.state = 'waiting'
      WHEN 'completed' THEN NEW.state = 'queued'
    END THEN RAISE(ABORT, 'a job cannot change from this state to that one')
    -- An active job has a live attempt, and only an active job has one.
    WHEN NEW.state = 'claimed'
      AND NOT EXISTS (SELECT 1 FROM attempt WHERE id = NEW.attempt AND job = NEW.id AND ended_at IS NULL)
    THEN RAISE(ABORT, 'a job is claimed with a live attempt')
    WHEN (OLD.state = 'running' OR OLD.state = 'claimed' OR OLD.state = 'submitted')
      AND NOT (NEW.state = 'running' OR NEW.state = 'claimed' OR NEW.state = 'submitted')
      AND EXISTS (SELECT 1 FROM attempt WHERE job = NEW.id AND ended_at IS NULL)
    THEN RAISE(ABORT, 'the job has an attempt that has not ended')
  END;
  INSERT INTO transition(job, attempt, from_state, to_state, at, worker, reason)
    VALUES (NEW.id, NEW.attempt, OLD.state, NEW.state,
      CASE WHEN NEW.changed_at >= OLD.changed_at AND NEW.changed_at <> 0 THEN NEW.changed_at ELSE OLD.changed_at END,
      NEW.worker, NEW.reason);
  UPDATE lane SET
    held      = held      - (OLD.state = 'held')      + (NEW.state = 'held'),
    waiting   = waiting   - (OLD.state = 'waiting')   + (NEW.state = 'waiting'),
    queued    = queued    - (OLD.state = 'queued')    + (NEW.state = 'queued'),
    claimed   = claimed   - (OLD.state = 'claimed')   + (NEW.state = 'claimed'),
    submitted = submitted - (OLD.state = 'submitted') + (NEW.state = 'submitted'),
    running   = running   - (OLD.state = 'running')   + (NEW.state = 'running'),
    completed = completed - (OLD.state = 'completed') + (NEW.state = 'completed'),
    failed    = failed    - (OLD.state = 'failed')    + (NEW.state = 'failed'),
    cancelled = cancelled - (OLD.state = 'cancelled') + (NEW.state = 'cancelled')
  WHERE id = OLD.lane;
END;

CREATE TRIGGER job_moved AFTER UPDATE OF lane ON job WHEN NEW.lane <> OLD.lane
BEGIN
  UPDATE lane SET
    held = held - (NEW.state = 'held'), waiting = waiting - (NEW.state = 'waiting'),
    queued = queued - (NEW.state = 'queued'), claimed = claimed - (NEW.state = 'claimed'),
    submitted = submitted - (NEW.state = 'submitted'), running = running - (NEW.state = 'running'),
    completed = completed - (NEW.state = 'completed'), failed = failed - (NEW.state = 'failed'),
    cancelled = cancelled - (NEW.state = 'cancelled') WHERE id = OLD.lane;
  UPDATE lane SET
    held = held + (NEW.state = 'held'), waiting = waiting + (NEW.state = 'waiting'),
    queued = queued + (NEW.state = 'queued'), claimed = claimed + (NEW.state = 'claimed'),
    submitted = submitted + (NEW.state = 'submitted'), running = running + (NEW.state = 'running'),
    completed = completed + (NEW.state = 'completed'), failed = failed + (NEW.state = 'failed'),
    cancelled = cancelled + (NEW.state = 'cancelled') WHERE id = NEW.lane;
END;

CREATE TRIGGER job_left AFTER DELETE ON job
BEGIN
  SELECT RAISE(ABORT, 'only a finished job can be pruned')
    WHERE NOT (OLD.state = 'completed' OR OLD.state = 'failed' OR OLD.state = 'cancelled')
      AND NOT EXISTS (SELECT 1 FROM lane WHERE id = OLD.lane AND loader IS NOT NULL);
  DELETE FROM transition WHERE job = OLD.id;
  UPDATE lane SET
    held = held - (OLD.state = 'held'), waiting = waiting - (OLD.state = 'waiting'),
    queued = queued - (OLD.state = 'queued'), completed = completed - (OLD.state = 'completed'),
    failed = failed - (OLD.state = 'failed'), cancelled = cancelled - (OLD.state = 'cancelled') WHERE id = OLD.lane;
END;

-- It leads from where the last one led to where the job stands: there is such a row only at the change itself. This
-- also stops REPLACE, which removes rows without telling a trigger, for transitions and for jobs.
CREATE TRIGGER transition_is_true BEFORE INSERT ON transition
WHEN NEW.to_state IS NOT (SELECT state FROM job WHERE id = NEW.job) OR NEW.from_state IS NEW.to_state
  OR NEW.from_state IS NOT (SELECT to_state FROM transition WHERE job = NEW.job ORDER BY id DESC LIMIT 1)
BEGIN SELECT RAISE(ABORT, 'a transition is written by the change it tells of'); END;

CREATE TRIGGER transition_stays BEFORE UPDATE ON transition
BEGIN SELECT RAISE(ABORT, 'history is never edited'); END;

CREATE TRIGGER transition_remains BEFORE DELETE ON transition
WHEN EXISTS (SELECT 1 FROM job WHERE id = OLD.job)
BEGIN SELECT RAISE(ABORT, 'history is never deleted while its job is there'); END;

CREATE TRIGGER attempt_is_new BEFORE INSERT ON attempt
WHEN EXISTS (SELECT 1 FROM attempt WHERE id = NEW.id)
  OR EXISTS (SELECT 1 FROM attempt WHERE job = NEW.job AND (number = NEW.number OR ended_at IS NULL))
BEGIN SELECT RAISE(ABORT, 'a job has one live attempt, and each attempt its own number'); END;

CREATE TRIGGER attempt_ends_once BEFORE UPDATE ON attempt
WHEN OLD.ended_at IS NOT NULL AND (NEW.ended_at IS NOT OLD.ended_at OR NEW.outcome IS NOT OLD.outcome
  OR NEW.exit_code IS NOT OLD.exit_code OR NEW.signal IS NOT OLD.signal OR NEW.job <> OLD.job
  OR NEW.worker <> OLD.worker)
BEGIN SELECT RAISE(ABORT, 'an attempt ends once'); END;

CREATE TRIGGER attempt_remains BEFORE DELETE ON attempt
WHEN EXISTS (SELECT 1 FROM job WHERE id = OLD.job)
BEGIN SELECT RAISE(ABORT, 'an attempt is never deleted while its job is there'); END;

-- Whether a lane may be claimed from follows from its sweep's pause and its own loading.

CREATE TRIGGER lane_opens AFTER INSERT ON lane
BEGIN
  UPDATE lane SET open = (NEW.loader IS NULL AND (SELECT paused_at FROM sweep WHERE id = NEW.sweep) IS NULL)
    WHERE id = NEW.id;
END;

CREATE TRIGGER lane_loads AFTER UPDATE OF loader ON lane
BEGIN
  UPDATE lane SET open = (NEW.loader IS NULL AND (SELECT paused_at FROM sweep WHERE id = NEW.sweep) IS NULL)
    WHERE id = NEW.id;
END;

CREATE TRIGGER sweep_pauses AFTER UPDATE OF paused_at ON sweep
BEGIN
  UPDATE lane SET open = (loader IS NULL AND NEW.paused_at IS NULL) WHERE sweep = NEW.id;
END;
