//! [`effect`]: what a statement of a migration holds while it runs, and how much it works, so that somebody can look before it does.

use super::removal::{plain, words};
use super::script::bare;
use crate::Dialect;

/// How much a statement works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// It takes a moment, however many rows there are.
    Brief,
    /// It reads every row.
    Reads,
    /// It writes every row anew.
    Rewrites,
}

/// What a statement holds while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The table, as the statement writes it; `None` when the statement does not tell.
    pub table: Option<String>,
    /// The lock, and who waits for it.
    pub lock: &'static str,
    /// How much it works.
    pub work: Work,
}

const EXCLUSIVE: &str = "ACCESS EXCLUSIVE: reads and writes wait";
const ROW_SHARE: &str = "SHARE ROW EXCLUSIVE: writes wait";
const SHARE: &str = "SHARE: writes wait";
const UPDATE: &str = "SHARE UPDATE EXCLUSIVE: reads and writes go on";
const ROWS: &str = "locks of rows: only writes of the same rows wait";
const METADATA: &str = "metadata lock: reads and writes wait for a moment";
const COPY: &str = "shared lock: writes wait";
const FILE: &str = "the database's write lock: other writers wait";

/// What a statement holds and does; `None` for one that touches nothing that was there before.
pub fn effect(statement: &str, dialect: Dialect) -> Option<Effect> {
    let words = words(bare(statement));
    let upper: Vec<String> = words.iter().map(|word| word.to_ascii_uppercase()).collect();
    let said = Said { upper: upper.iter().map(String::as_str).collect(), words };
    match dialect {
        Dialect::Postgres => said.postgres(),
        Dialect::Mysql | Dialect::Mariadb => said.mysql(),
        Dialect::Sqlite => said.sqlite(),
    }
}

/// The table that a statement makes, without quotes.
pub fn makes(statement: &str) -> Option<String> {
    let words = words(bare(statement));
    let upper: Vec<String> = words.iter().map(|word| word.to_ascii_uppercase()).collect();
    let said = Said { upper: upper.iter().map(String::as_str).collect(), words };
    match said.upper.as_slice() {
        ["CREATE", "TABLE", ..] => said.table(2).map(|table| plain(&table)),
        ["ALTER", "TABLE", .., "RENAME", "TO", _] => said.words.last().map(|table| plain(table)),
        _ => None,
    }
}

struct Said<'s> {
    words: Vec<&'s str>,
    upper: Vec<&'s str>,
}

impl Said<'_> {
    fn has(&self, word: &str) -> bool {
        self.upper.contains(&word)
    }

    fn follows(&self, pair: [&str; 2]) -> bool {
        self.upper.windows(2).any(|two| two == pair)
    }

    /// The table whose name stands there, behind `IF EXISTS` and `ONLY`.
    fn table(&self, place: usize) -> Option<String> {
        let skipped = self.upper.iter().skip(place).take_while(|word| matches!(**word, "IF" | "NOT" | "EXISTS" | "ONLY")).count();
        self.words.get(place + skipped).map(|word| (*word).to_owned())
    }

    fn table_behind(&self, word: &str) -> Option<String> {
        self.table(self.upper.iter().position(|known| *known == word)? + 1)
    }

    fn of(&self, place: usize, lock: &'static str, work: Work) -> Option<Effect> {
        Some(Effect { table: self.table(place), lock, work })
    }

    fn is_index(&self) -> bool {
        matches!(self.upper.as_slice(), ["CREATE", "INDEX", ..] | ["CREATE", "UNIQUE" | "FULLTEXT" | "SPATIAL", "INDEX", ..])
    }

    /// A statement that writes rows.
    fn rows(&self, lock: &'static str) -> Option<Effect> {
        let work = if self.has("WHERE") { Work::Brief } else { Work::Rewrites };
        match self.upper.as_slice() {
            ["UPDATE", ..] => self.of(1, lock, work),
            ["DELETE", "FROM", ..] => self.of(2, lock, work),
            ["INSERT", "INTO", ..] => self.of(2, lock, if self.has("SELECT") { Work::Rewrites } else { Work::Brief }),
            _ => None,
        }
    }

    fn postgres(&self) -> Option<Effect> {
        let later = if self.has("CONCURRENTLY") { UPDATE } else { EXCLUSIVE };
        match self.upper.as_slice() {
            ["ALTER", "TABLE", ..] => self.postgres_alter(),
            _ if self.is_index() => {
                let lock = if self.has("CONCURRENTLY") { UPDATE } else { SHARE };
                Some(Effect { table: self.table_behind("ON"), lock, work: Work::Reads })
            }
            ["ALTER", "INDEX", _, "RENAME", ..] => Some(Effect { table: None, lock: UPDATE, work: Work::Brief }),
            ["DROP", "INDEX", ..] => Some(Effect { table: None, lock: later, work: Work::Brief }),
            ["DROP", "TABLE" | "VIEW", ..] | ["TRUNCATE", "TABLE", ..] => self.of(2, EXCLUSIVE, Work::Brief),
            ["TRUNCATE", ..] => self.of(1, EXCLUSIVE, Work::Brief),
            ["CREATE", "TRIGGER", ..] => Some(Effect { table: self.table_behind("ON"), lock: ROW_SHARE, work: Work::Brief }),
            ["VACUUM", "FULL", ..] => self.of(2, EXCLUSIVE, Work::Rewrites),
            ["CLUSTER", ..] => self.of(1, EXCLUSIVE, Work::Rewrites),
            _ => self.rows(ROWS),
        }
    }

    fn postgres_alter(&self) -> Option<Effect> {
        const CHANGING: [&str; 6] = ["GEN_RANDOM_UUID", "RANDOM", "CLOCK_TIMESTAMP", "NEXTVAL", "UUID_GENERATE_V4", "TIMEOFDAY"];
        let adds = self.has("ADD");
        let (checked, behind) = (!self.has("VALID"), self.follows(["USING", "INDEX"]));
        if self.follows(["VALIDATE", "CONSTRAINT"]) {
            return self.of(2, UPDATE, Work::Reads);
        }
        if adds && self.has("REFERENCES") && !self.has("COLUMN") {
            return self.of(2, ROW_SHARE, if checked { Work::Reads } else { Work::Brief });
        }
        let counts = ["SERIAL", "BIGSERIAL", "SMALLSERIAL", "STORED", "IDENTITY"].iter().any(|word| self.has(word));
        let anew = self.has("TYPE") && self.has("ALTER")
            || adds && (counts || CHANGING.iter().any(|name| self.has(name)))
            || self.has("UNLOGGED")
            || self.has("LOGGED");
        let read = checked
            && (adds && self.has("CHECK")
                || self.follows(["SET", "NOT"])
                || adds && !behind && (self.has("UNIQUE") || self.has("PRIMARY")));
        self.of(
            2,
            EXCLUSIVE,
            if anew {
                Work::Rewrites
            } else if read {
                Work::Reads
            } else {
                Work::Brief
            },
        )
    }

    fn mysql(&self) -> Option<Effect> {
        let text = self.has("FULLTEXT") || self.has("SPATIAL");
        match self.upper.as_slice() {
            ["ALTER", "TABLE", ..] => {
                let adds = self.has("ADD");
                let copied = ["MODIFY", "CHANGE", "CONVERT", "ENGINE", "STORED"].iter().any(|word| self.has(word))
                    || adds && (self.has("FOREIGN") || self.has("CHECK"))
                    || self.has("PRIMARY");
                if copied {
                    return self.of(2, COPY, Work::Rewrites);
                }
                let index = adds && (self.has("INDEX") || self.has("KEY") || self.has("UNIQUE"));
                self.of(2, if text { COPY } else { METADATA }, if index || text { Work::Reads } else { Work::Brief })
            }
            _ if self.is_index() => {
                Some(Effect { table: self.table_behind("ON"), lock: if text { COPY } else { METADATA }, work: Work::Reads })
            }
            ["DROP", "INDEX", ..] => Some(Effect { table: self.table_behind("ON"), lock: METADATA, work: Work::Brief }),
            ["DROP", "TABLE" | "VIEW", ..] | ["RENAME", "TABLE", ..] | ["TRUNCATE", "TABLE", ..] => self.of(2, METADATA, Work::Brief),
            ["TRUNCATE", ..] => self.of(1, METADATA, Work::Brief),
            _ => self.rows(ROWS),
        }
    }

    fn sqlite(&self) -> Option<Effect> {
        match self.upper.as_slice() {
            ["ALTER", "TABLE", ..] => {
                let dropped = self.has("DROP");
                self.of(2, FILE, if dropped { Work::Rewrites } else { Work::Brief })
            }
            _ if self.is_index() => Some(Effect { table: self.table_behind("ON"), lock: FILE, work: Work::Reads }),
            // The rows of the table that is made anew.
            ["INSERT", "INTO", ..] if self.has("SELECT") => {
                Some(Effect { table: self.table_behind("FROM"), lock: FILE, work: Work::Rewrites })
            }
            ["DROP", "TABLE", ..] => self.of(2, FILE, Work::Brief),
            ["VACUUM", ..] => Some(Effect { table: None, lock: FILE, work: Work::Rewrites }),
            _ => self.rows(FILE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_statements_hold_and_do_is_known() {
        use Dialect::{Mariadb, Postgres, Sqlite};
        let cases = [
            (Postgres, "CREATE TABLE a (id int)", None),
            (Postgres, "-- x\nALTER TABLE IF EXISTS ONLY \"a b\" ADD COLUMN c text", Some(("\"a b\"", EXCLUSIVE, Work::Brief))),
            (Postgres, "ALTER TABLE a ADD c uuid DEFAULT gen_random_uuid()", Some(("a", EXCLUSIVE, Work::Rewrites))),
            (Postgres, "ALTER TABLE a ALTER COLUMN c TYPE bigint USING c::bigint", Some(("a", EXCLUSIVE, Work::Rewrites))),
            (Postgres, "ALTER TABLE a ALTER c SET NOT NULL", Some(("a", EXCLUSIVE, Work::Reads))),
            (Postgres, "ALTER TABLE a ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES c (id) NOT VALID", Some(("a", ROW_SHARE, Work::Brief))),
            (Postgres, "ALTER TABLE a VALIDATE CONSTRAINT f", Some(("a", UPDATE, Work::Reads))),
            (Postgres, "CREATE UNIQUE INDEX i ON a (b)", Some(("a", SHARE, Work::Reads))),
            (Postgres, "CREATE INDEX CONCURRENTLY i ON a (b)", Some(("a", UPDATE, Work::Reads))),
            (Postgres, "UPDATE a SET b = 1", Some(("a", ROWS, Work::Rewrites))),
            (Mariadb, "ALTER TABLE `a` MODIFY `b` bigint NOT NULL", Some(("`a`", COPY, Work::Rewrites))),
            (Mariadb, "ALTER TABLE `a` ADD COLUMN `b` int", Some(("`a`", METADATA, Work::Brief))),
            (Mariadb, "CREATE FULLTEXT INDEX i ON a (b)", Some(("a", COPY, Work::Reads))),
            (Sqlite, "INSERT INTO \"a_new\" (id) SELECT id FROM \"a\"", Some(("\"a\"", FILE, Work::Rewrites))),
            (Sqlite, "CREATE INDEX i ON a (b)", Some(("a", FILE, Work::Reads))),
        ];
        for (dialect, statement, expected) in cases {
            let found = effect(statement, dialect);
            let found = found.as_ref().map(|one| (one.table.as_deref().unwrap_or_default(), one.lock, one.work));
            assert_eq!(found, expected, "{statement}");
        }
    }
}
