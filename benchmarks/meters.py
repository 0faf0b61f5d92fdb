"""What a call costs besides time: WAL, memory, rows written, space."""

import gc
import os
import threading
import time

import database

from odoo.tools import SQL

#: Seconds between two looks at the memory
INTERVAL = 0.05


class Meter:
    """Measures what happens on a cursor between ``with`` and its end, commit included.

    Afterwards ``seconds``, ``step`` (the longest time from one commit to the next),
    ``wal`` (bytes) and ``memory`` are known: the most bytes that this process and the
    server's one had of their own, that is without shared buffers; None where the
    server's processes are not to be seen.
    """

    def __init__(self, cr):
        self.cr = cr
        self.pids = [os.getpid(), cr._cnx.info.backend_pid]
        self.seconds = self.wal = None
        self.step = 0.0
        self.memory = [0, 0]
        self._stop = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self):
        self._wal = self._get_wal()
        gc.collect()
        self._sampler.start()
        self._begin = self._last = time.perf_counter()
        self.cr.commit = self._commit
        return self

    def _commit(self):
        type(self.cr).commit(self.cr)
        now = time.perf_counter()
        self.step = max(self.step, now - self._last)
        self._last = now

    def __exit__(self, *exception):
        if exception[0] is None:
            self.cr.commit()
        del self.cr.commit
        self.seconds = time.perf_counter() - self._begin
        self._stop.set()
        self._sampler.join()
        if exception[0] is None:
            self.wal = self._get_wal() - self._wal

    def _get_wal(self):
        """Return the bytes written so far, if possible by this connection alone."""
        self.cr.execute("SELECT pg_stat_force_next_flush()")
        self.cr.commit()  # from then on everybody sees what was counted
        if self.cr._cnx.server_version >= 180000:
            query = "SELECT wal_bytes FROM pg_stat_get_backend_wal(pg_backend_pid())"
        else:
            query = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
        self.cr.execute(query)
        [wal] = self.cr.fetchone()
        self.cr.commit()
        return int(wal)

    def _sample(self):
        while not self._stop.wait(INTERVAL):
            self.memory = [
                None if used is None or peak is None else max(peak, used)
                for peak, used in zip(
                    self.memory, map(_get_memory, self.pids), strict=True
                )
            ]


def _get_memory(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as status:
            for line in status:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None  # the server is elsewhere, or another system's


def count_written():
    """Return how many rows of each table were ever inserted, updated or deleted.

    Of the tables of this addon and of those that it reads. Only what connections have
    reported counts: a :class:`Meter` makes its own do so.
    """
    with database.environment() as env:
        return dict(
            env.execute_query(
                SQL(
                    """
                    SELECT relname, n_tup_ins + n_tup_upd + n_tup_del
                      FROM pg_stat_user_tables
                     WHERE schemaname = 'public'
                       AND (relname LIKE 'customer%%'
                            OR relname IN ('res_partner', 'account_move',
                                           'account_move_line'))
                    """
                )
            )
        )


def measure_space():
    """Return name, rows, bytes of the table and of its indexes, the largest first."""
    with database.environment() as env:
        return env.execute_query(
            SQL(
                """
                SELECT relname, greatest(reltuples, 0)::bigint,
                       pg_table_size(oid), pg_indexes_size(oid)
                  FROM pg_class
                 WHERE relkind = 'r'
                   AND relnamespace = 'public'::regnamespace
                   AND (relname LIKE 'customer%%'
                        OR relname IN ('res_partner', 'account_move',
                                       'account_move_line'))
                   AND pg_total_relation_size(oid) >= 500000
                 ORDER BY pg_total_relation_size(oid) DESC
                """
            )
        )
