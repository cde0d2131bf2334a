//! A record as `Debug` shows it.

use super::Record;
use crate::write::shown;

/// Shows `sensitive` values as `***`.
impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = f.debug_struct(&self.state.model.name);
        for (column, value) in self.state.model.columns.iter().zip(&self.state.values) {
            if let Some(value) = value {
                text.field(&column.name, &shown(column, value));
            }
        }
        // What is computed from a sensitive field is as sensitive.
        let secret = self.state.model.columns.iter().any(|column| column.sensitive);
        for (name, value) in &self.extras {
            let value: &dyn std::fmt::Debug = if secret { &format_args!("***") } else { value };
            text.field(name, value);
        }
        for (name, related) in &self.relations {
            text.field(name, related);
        }
        text.finish()
    }
}
