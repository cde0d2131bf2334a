//! Sequor's derives and draft!, sql!, migrations!.
