# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of a `.db`, exactly as they are created and as they have to be found."""

from __future__ import annotations

APPLICATION_ID = 0x494D5350
"""``IMSP``, in the file's header."""

MAJOR, MINOR = 4, 0
"""A greater minor version only adds tables; another major one cannot be read: 3 was calibrated
without novelty, 2 for another reading of the repertoire."""

TABLES = {
    "profile": "CREATE TABLE profile (key TEXT PRIMARY KEY, value TEXT)",
    "alphabets": "CREATE TABLE alphabets (abi INTEGER PRIMARY KEY, calls INTEGER)",
    "symbols": "CREATE TABLE symbols (symbol INTEGER PRIMARY KEY, name TEXT)",
    "nodes": "CREATE TABLE nodes"
    " (node INTEGER PRIMARY KEY, parent INTEGER, symbol INTEGER, count INTEGER, processes INTEGER)",
    "repertoire": "CREATE TABLE repertoire "
    " (checkpoint INTEGER, before TEXT, after TEXT, units INTEGER)",
    "sample": "CREATE TABLE sample"
    " (hash TEXT PRIMARY KEY, preceding INTEGER, calls INTEGER, rows BLOB)",
    "traces": "CREATE TABLE traces"
    " (number INTEGER PRIMARY KEY, identity TEXT, name TEXT, added TEXT, meta TEXT,"
    " calls INTEGER, processes INTEGER, units INTEGER, duration_ns INTEGER, lost INTEGER)",
    "marks": "CREATE TABLE marks"
    " (number INTEGER PRIMARY KEY, note TEXT, added TEXT, weight INTEGER)",
    "marked": "CREATE TABLE marked"
    " (mark INTEGER, place INTEGER, state TEXT, records INTEGER, events BLOB)",
}

VERSION = MAJOR << 16 | MINOR
