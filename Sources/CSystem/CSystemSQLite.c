#include "CSystem.h"

#include <sqlite3.h>

int sq_sqlite_without_memory_count(void) { return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }
