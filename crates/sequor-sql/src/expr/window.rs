//! Functions over windows, and their frames.

use crate::Dialect;
use crate::writer::SqlWriter;
use sequor_core::error::{Error, Result};
use sequor_core::statement::{Exact, Expr, Frame, FrameBound, FrameUnit, Func, OrderBy, RawPart, Window};

impl SqlWriter {
    pub(super) fn over(&mut self, window: &Window) -> Result<()> {
        // PostgreSQL's average of whole numbers is numeric, SQLite's of decimals text; the cast stands around the window.
        let average = matches!(&window.call, Expr::Call { func: Func::Avg | Func::Mean | Func::Exact(Exact::Average), .. });
        let exact = matches!(&window.call, Expr::Call { func: Func::Exact(Exact::Average), .. });
        let end = match (self.dialect, &window.call) {
            (Dialect::Postgres, Expr::Call { args, distinct, .. }) if average => {
                self.plain("avg", args, *distinct)?;
                ")::float8"
            }
            (Dialect::Sqlite, Expr::Call { args, distinct, .. }) if exact => {
                self.push("CAST(");
                self.plain("sequor_decimal_avg", args, *distinct)?;
                ") AS REAL)"
            }
            (_, call) => {
                self.expr(call)?;
                ")"
            }
        };
        self.push(" OVER (");
        if !window.partition.is_empty() {
            self.push("PARTITION BY ");
            self.list(&window.partition, |writer, expr| writer.expr(expr))?;
        }
        match &window.frame {
            // SQLite keeps decimals as text, and measures no distance between texts.
            Some(frame) if self.dialect == Dialect::Sqlite && frame.unit == FrameUnit::Range && counts(frame) => {
                let number = |expr: &Expr| Expr::Raw(vec![RawPart::Expr(Box::new(expr.clone())), RawPart::Text(" + 0".into())]);
                let order: Vec<OrderBy> = window.order.iter().map(|by| OrderBy { expr: number(&by.expr), ..by.clone() }).collect();
                self.order(&order)?;
            }
            _ => self.order(&window.order)?,
        }
        if let Some(frame) = &window.frame {
            self.frame(frame, window.order.len())?;
        }
        self.push(end);
        Ok(())
    }

    /// `ROWS BETWEEN 2 PRECEDING AND CURRENT ROW`.
    fn frame(&mut self, frame: &Frame, orders: usize) -> Result<()> {
        if frame.is_backwards() {
            return Err(Error::usage("the frame of a window ends before it begins: say its earlier bound first"));
        }
        self.push(match frame.unit {
            FrameUnit::Rows => " ROWS BETWEEN ",
            FrameUnit::Range if counts(frame) && orders != 1 => {
                return Err(Error::usage("range_between counts distances of one value: order the window by exactly one number"));
            }
            FrameUnit::Range => " RANGE BETWEEN ",
            FrameUnit::Groups if orders == 0 => {
                return Err(Error::usage("groups_between counts groups of equal rows: order the window"));
            }
            FrameUnit::Groups if self.dialect.is_mysql() => {
                return Err(Error::unsupported("MySQL and MariaDB have no GROUPS in windows: use rows_between or range_between"));
            }
            FrameUnit::Groups => " GROUPS BETWEEN ",
        });
        self.frame_bound(frame.from, "UNBOUNDED PRECEDING");
        self.push(" AND ");
        self.frame_bound(frame.to, "UNBOUNDED FOLLOWING");
        Ok(())
    }

    fn frame_bound(&mut self, bound: FrameBound, unbounded: &str) {
        let (count, side) = match bound {
            FrameBound::Unbounded => return self.push(unbounded),
            FrameBound::CurrentRow => return self.push("CURRENT ROW"),
            FrameBound::Preceding(count) => (count, " PRECEDING"),
            FrameBound::Following(count) => (count, " FOLLOWING"),
        };
        self.number(count);
        self.push(side);
    }
}

/// Whether a frame reaches so many rows, groups or units far.
fn counts(frame: &Frame) -> bool {
    [frame.from, frame.to].iter().any(|bound| matches!(bound, FrameBound::Preceding(_) | FrameBound::Following(_)))
}
