/* What the same work costs in C with SQLite and nothing around it.
 *
 *   reference enqueue DB COUNT BATCH    make DB and insert COUNT jobs, each with an event row, BATCH in a transaction
 *   reference commit DB                 insert one job and its event into a DB made by enqueue, and end
 *   reference status QUEUE.DB           read the counts of all sweeps with one SELECT, and end
 *   reference turns QUEUE.DB COUNT BATCH   claim and settle with the statements that sweepq itself uses
 *
 * All with synchronous=FULL in WAL mode. Prints one JSON object with seconds. */
#define _GNU_SOURCE
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static sqlite3 *db;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long long clock_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void fail(const char *what) {
  fprintf(stderr, "reference: %s: %s\n", what, db ? sqlite3_errmsg(db) : "");
  exit(1);
}

static void run(const char *sql) {
  if (sqlite3_exec(db, sql, 0, 0, 0)) fail(sql);
}

static sqlite3_stmt *prepare(const char *sql) {
  sqlite3_stmt *statement;
  if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, 0)) fail(sql);
  return statement;
}

static void finish(sqlite3_stmt *statement) {
  int code;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) {}
  if (code != SQLITE_DONE) fail(sqlite3_sql(statement));
  sqlite3_reset(statement);
}

static void open_database(const char *path) {
  if (sqlite3_open(path, &db)) fail(path);
  sqlite3_busy_timeout(db, 30000);
  run("PRAGMA journal_mode = wal; PRAGMA synchronous = FULL; PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY;"
      "PRAGMA foreign_keys = ON");
}

/* Inserting */

static sqlite3_stmt *insert_job, *insert_event;

static void prepare_inserts(void) {
  insert_job = prepare("INSERT INTO job(sweep, idx, params, state, changed_at) VALUES (1, ?1, ?2, 'queued', ?3)");
  insert_event = prepare("INSERT INTO event(job, kind, at) VALUES (?1, 'queued', ?2)");
}

static void insert(long index) {
  char params[64];
  long long at = clock_ms();
  snprintf(params, sizeof params, "{\"n\":%ld}", index);
  sqlite3_bind_int64(insert_job, 1, index);
  sqlite3_bind_text(insert_job, 2, params, -1, SQLITE_TRANSIENT);
  sqlite3_bind_int64(insert_job, 3, at);
  finish(insert_job);
  sqlite3_bind_int64(insert_event, 1, sqlite3_last_insert_rowid(db));
  sqlite3_bind_int64(insert_event, 2, at);
  finish(insert_event);
}

static void enqueue(long count, long batch) {
  run("CREATE TABLE job(id INTEGER PRIMARY KEY, sweep INTEGER NOT NULL, idx INTEGER NOT NULL, params TEXT NOT NULL,"
      "  state TEXT NOT NULL, attempt INTEGER, changed_at INTEGER NOT NULL) STRICT;"
      "CREATE INDEX job_ready ON job(sweep, id) WHERE state = 'queued';"
      "CREATE TABLE event(id INTEGER PRIMARY KEY, job INTEGER NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL) STRICT");
  prepare_inserts();
  for (long done = 0; done < count;) {
    run("BEGIN IMMEDIATE");
    for (long i = 0; i < batch && done < count; i++) insert(++done);
    run("COMMIT");
  }
}

/* Claiming and settling: the statements of Sources/SweepStore/Turn.swift and Claiming.swift */

enum { END, LOOK, RUNNING, COMPLETED, NOTE_END, UNSETTLED, PROMOTE, WISHES, OFFER, ACTIVE, READY, ATTEMPT, CLAIM, COUNT };
static const char *const turn_sql[COUNT] = {
    [END] = "UPDATE attempt SET ended_at = ?1, outcome = 'succeeded', reason = NULL, exit_code = 0, signal = NULL,"
            " started_at = coalesce(started_at, ?1), host = coalesce(host, 'c'), pid = coalesce(pid, 1),"
            " boot_id = coalesce(boot_id, 'c'), user_us = NULL, system_us = NULL, max_rss = NULL, has_files = 0"
            " WHERE id = ?2 AND worker = ?3 AND ended_at IS NULL",
    [LOOK] = "SELECT state, failures, losses, cancel_at, sweep, lane, attempt FROM job WHERE id = ?1",
    [RUNNING] = "UPDATE job SET state = 'running', changed_at = ?1, worker = ?2, reason = NULL"
                " WHERE id = ?3 AND state IN ('claimed', 'submitted')",
    [COMPLETED] = "UPDATE job SET state = 'completed', reason = NULL, changed_at = ?1, worker = ?2, cancel_at = NULL"
                  " WHERE id = ?3",
    [NOTE_END] = "UPDATE lane SET unsettled = 1 WHERE blocked = 1 AND unsettled = 0 AND id IN (SELECT lane FROM"
                 " dependency WHERE on_job = ?1 UNION ALL SELECT lane FROM dependency WHERE on_sweep = ?2)",
    [UNSETTLED] = "SELECT id FROM lane INDEXED BY lane_unsettled WHERE blocked = 1 AND unsettled = 1 AND loader IS NULL",
    [PROMOTE] = "UPDATE job SET state = CASE WHEN (SELECT blocked FROM lane WHERE lane.id = job.lane) THEN 'waiting'"
                " ELSE 'queued' END, due_at = NULL, changed_at = ?1, worker = NULL WHERE id IN (SELECT id FROM job"
                " INDEXED BY job_due WHERE state = 'waiting' AND due_at IS NOT NULL AND due_at <= ?1"
                " ORDER BY due_at LIMIT 1000)",
    [WISHES] = "SELECT resources, uses FROM lane INDEXED BY lane_ready WHERE queued > 0 AND open = 1"
               " AND executor IS ?1 AND (resources, uses) > (?2, ?3) ORDER BY resources, uses LIMIT 1",
    [OFFER] = "SELECT id, sweep, priority, queued FROM lane INDEXED BY lane_ready WHERE queued > 0 AND open = 1"
              " AND executor IS NULL AND resources = ?1 AND uses = ?2 ORDER BY priority DESC, id LIMIT 512",
    [ACTIVE] = "SELECT sum(active) FROM lane WHERE sweep = ?1",
    [READY] = "SELECT id, sweep, idx, params, attempts FROM job INDEXED BY job_ready"
              " WHERE state = 'queued' AND lane = ?1 ORDER BY id LIMIT ?2",
    [ATTEMPT] = "INSERT INTO attempt(job, number, token, worker, executor, claimed_at)"
                " VALUES (?1, 1, ?2, ?3, 'local', ?4)",
    [CLAIM] = "UPDATE job SET state = 'claimed', attempt = ?1, attempts = attempts + 1, worker = ?2, reason = NULL,"
              " changed_at = ?3, due_at = NULL WHERE id = ?4 AND state = 'queued'",
};
static sqlite3_stmt *turn[COUNT];
static long long worker, claimed_job[10000], claimed_attempt[10000], claimed_sweep;

static void bind(int which, int count, const long long *values) {
  for (int i = 0; i < count; i++) sqlite3_bind_int64(turn[which], i + 1, values[i]);
}

static void settle(int i) {
  long long at = clock_ms();
  bind(END, 3, (long long[]){at, claimed_attempt[i], worker});
  finish(turn[END]);
  if (sqlite3_changes(db) != 1) fail("the attempt is not ours");
  bind(LOOK, 1, &claimed_job[i]);
  finish(turn[LOOK]);
  for (int which = RUNNING; which <= COMPLETED; which++) {
    bind(which, 3, (long long[]){at, worker, claimed_job[i]});
    finish(turn[which]);
  }
  bind(NOTE_END, 2, (long long[]){claimed_job[i], claimed_sweep});
  finish(turn[NOTE_END]);
}

/* The different wishes of the lanes, and the lanes of each. Returns one that has something to claim, or 0. */
static long long offer(void) {
  char wishes[16][2][512];
  int count = 0;
  for (int bound = 0; bound < 2; bound++) {
    const char *resources = "", *uses = "";
    for (;;) {
      if (bound) sqlite3_bind_text(turn[WISHES], 1, "local", -1, SQLITE_STATIC);
      else sqlite3_bind_null(turn[WISHES], 1);
      sqlite3_bind_text(turn[WISHES], 2, resources, -1, SQLITE_TRANSIENT);
      sqlite3_bind_text(turn[WISHES], 3, uses, -1, SQLITE_TRANSIENT);
      int found = sqlite3_step(turn[WISHES]) == SQLITE_ROW && count < 16;
      if (found) {
        snprintf(wishes[count][0], 512, "%s", sqlite3_column_text(turn[WISHES], 0));
        snprintf(wishes[count][1], 512, "%s", sqlite3_column_text(turn[WISHES], 1));
        resources = wishes[count][0], uses = wishes[count][1], count++;
      }
      sqlite3_reset(turn[WISHES]);
      if (!found) break;
    }
  }
  long long lane = 0;
  for (int i = 0; i < count; i++) {
    for (int part = 0; part < 2; part++)
      sqlite3_bind_text(turn[OFFER], part + 1, wishes[i][part], -1, SQLITE_TRANSIENT);
    while (sqlite3_step(turn[OFFER]) == SQLITE_ROW)
      if (!lane) lane = sqlite3_column_int64(turn[OFFER], 0), claimed_sweep = sqlite3_column_int64(turn[OFFER], 1);
    sqlite3_reset(turn[OFFER]);
  }
  bind(ACTIVE, 1, &claimed_sweep);
  finish(turn[ACTIVE]);
  return lane;
}

static int claim(long long lane, long batch) {
  long long at = clock_ms();
  bind(READY, 2, (long long[]){lane, batch});
  int count = 0;
  while (sqlite3_step(turn[READY]) == SQLITE_ROW) claimed_job[count++] = sqlite3_column_int64(turn[READY], 0);
  sqlite3_reset(turn[READY]);
  for (int i = 0; i < count; i++) {
    char token[32];
    snprintf(token, sizeof token, "q%013lld", claimed_job[i]);
    bind(ATTEMPT, 1, &claimed_job[i]);
    sqlite3_bind_text(turn[ATTEMPT], 2, token, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(turn[ATTEMPT], 3, worker);
    sqlite3_bind_int64(turn[ATTEMPT], 4, at);
    finish(turn[ATTEMPT]);
    claimed_attempt[i] = sqlite3_last_insert_rowid(db);
    bind(CLAIM, 4, (long long[]){claimed_attempt[i], worker, at, claimed_job[i]});
    finish(turn[CLAIM]);
  }
  return count;
}

static void turns(long jobs, long batch) {
  run("INSERT INTO worker(name, host, boot_id, pid, backend, capacity, started_at, seen_at)"
      " VALUES ('reference' || random(), 'c', 'c', 1, 'local', '{\"slots\":1,\"cpus\":1,\"gpus\":0}', 0, 0)");
  worker = sqlite3_last_insert_rowid(db);
  for (int i = 0; i < COUNT; i++) turn[i] = prepare(turn_sql[i]);
  sqlite3_stmt *begin = prepare("BEGIN IMMEDIATE"), *commit = prepare("COMMIT");
  int count = 0;
  long settled = 0;
  do {
    finish(begin);
    for (int i = 0; i < count; i++) settle(i);
    settled += count;
    finish(turn[UNSETTLED]);
    bind(PROMOTE, 1, (long long[]){clock_ms()});
    finish(turn[PROMOTE]);
    long long lane = offer();
    count = lane && settled < jobs ? claim(lane, batch) : 0;
    finish(commit);
  } while (count > 0);
  for (int i = 0; i < COUNT; i++) sqlite3_finalize(turn[i]);
  sqlite3_finalize(begin);
  sqlite3_finalize(commit);
}

int main(int argc, char **argv) {
  if (argc < 3) return 64;
  const char *what = argv[1];
  long count = argc > 3 ? atol(argv[3]) : 0, batch = argc > 4 ? atol(argv[4]) : 1;
  if (batch < 1 || batch > 10000) return 64;
  open_database(argv[2]);
  double begun = now();
  if (strcmp(what, "enqueue") == 0) enqueue(count, batch);
  else if (strcmp(what, "commit") == 0) {
    prepare_inserts();
    run("BEGIN IMMEDIATE");
    insert(1);
    run("COMMIT");
  } else if (strcmp(what, "status") == 0) {
    finish(prepare("SELECT name, sum(queued), sum(active), sum(completed), sum(failed), sum(cancelled), sum(held),"
                   " sum(waiting) FROM sweep JOIN lane ON lane.sweep = sweep.id GROUP BY sweep.id"));
  } else if (strcmp(what, "turns") == 0) turns(count, batch);
  else return 64;
  printf("{\"seconds\": %.6f}\n", now() - begun);
  sqlite3_finalize(insert_job);
  sqlite3_finalize(insert_event);
  return sqlite3_close_v2(db);
}
