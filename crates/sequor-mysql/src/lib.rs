//! Sequor's MySQL and MariaDB driver.
