//! The ORM itself: models, queries, writes, transactions.
