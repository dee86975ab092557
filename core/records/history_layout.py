"""The layout of the history's file, and how one of an older version is brought up to date."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from core.records.history_errors import HistoryError

# each step leads from one version of the layout to the next; PRAGMA user_version counts the steps done
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE analyses (
        id INTEGER PRIMARY KEY,
        analysed_at TEXT NOT NULL,
        image_sha256 TEXT NOT NULL,
        path TEXT,
        task TEXT NOT NULL,
        teacher_model TEXT NOT NULL,
        teacher_sha256 TEXT NOT NULL,
        teacher_predicted TEXT NOT NULL,
        teacher_confidence REAL NOT NULL,
        student_model TEXT NOT NULL,
        student_sha256 TEXT NOT NULL,
        student_predicted TEXT NOT NULL,
        student_confidence REAL NOT NULL,
        same_class INTEGER NOT NULL,
        answers TEXT NOT NULL,
        settings TEXT NOT NULL,
        version TEXT NOT NULL
    ) STRICT;
    CREATE INDEX analyses_by_image ON analyses (image_sha256);
    """,
    """
    ALTER TABLE analyses ADD COLUMN verdict TEXT CHECK (verdict IN ('agree', 'disagree', 'unsure'));
    ALTER TABLE analyses ADD COLUMN note TEXT NOT NULL DEFAULT '';
    """,
    # Readings are of the image, whichever models it was shown with; verdict and note of an analysis are of older
    # versions. Who agreed read the class, where the predictions that were not hidden had one class.
    """
    CREATE TABLE readings (
        image_sha256 TEXT NOT NULL,
        task TEXT NOT NULL,
        reading TEXT,
        note TEXT NOT NULL,
        PRIMARY KEY (image_sha256, task)
    ) STRICT;
    INSERT INTO readings SELECT image_sha256, task,
        CASE WHEN json_extract(answers, '$.teacher.novel') THEN student_predicted ELSE teacher_predicted END, note
        FROM analyses
        WHERE id IN (SELECT max(id) FROM analyses WHERE verdict IS NOT NULL GROUP BY image_sha256, task)
        AND verdict = 'agree'
        AND NOT (coalesce(json_extract(answers, '$.teacher.novel'), 0)
            AND coalesce(json_extract(answers, '$.student.novel'), 0))
        AND (teacher_predicted = student_predicted OR coalesce(json_extract(answers, '$.teacher.novel'), 0)
            OR coalesce(json_extract(answers, '$.student.novel'), 0));
    CREATE VIEW read_analyses AS SELECT
        analyses.id, analysed_at, analyses.image_sha256, path, analyses.task,
        teacher_model, teacher_sha256, teacher_predicted, teacher_confidence,
        student_model, student_sha256, student_predicted, student_confidence, same_class,
        reading, verdict, coalesce(readings.note, analyses.note) AS note, settings, version, answers
        FROM analyses LEFT JOIN readings USING (image_sha256, task);
    """,
)


def migrate(database: sqlite3.Connection, path: Path) -> None:
    """Bring the layout up to date in one transaction, so that two windows that start at once do not clash.

    Args:
        database: the history, open.
        path: its file.

    Raises:
        HistoryError: if it was written by a newer version.
        sqlite3.Error: if it can't be written.
    """
    if database.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS):
        return  # reading must not wait for a window that writes
    database.isolation_level = None
    database.execute("BEGIN IMMEDIATE")
    try:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise HistoryError(
                "The history was written by a newer version of Twinlens.",
                path=path,
                remedy="Update Twinlens, or move the file away.",
            )
        for step in MIGRATIONS[version:]:
            for statement in filter(str.strip, step.split(";")):
                database.execute(statement)
        database.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")
    database.isolation_level = "DEFERRED"
