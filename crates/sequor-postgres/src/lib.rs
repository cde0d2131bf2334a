//! Sequor's PostgreSQL driver.
