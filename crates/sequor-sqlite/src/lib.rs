//! Sequor's SQLite driver.
