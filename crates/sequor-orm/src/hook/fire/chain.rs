//! [`Link`]: which hooks the running code is inside of, so that hooks that call each other without end are found.

use crate::hook::HookKind;
use sequor_core::schema::ModelDef;
use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;

thread_local! {
    /// Only while such code runs on this thread: whatever waits takes it along ([`within`]). tokio's `task_local` does the same for one call of each hook at a
    /// time, which cost as much as the call of a hook that does nothing.
    static AROUND: RefCell<Option<Arc<Link>>> = const { RefCell::new(None) };
}

/// A hook that runs, and the one inside of which it was called.
pub(super) struct Link {
    model: Option<Arc<ModelDef>>,
    kind: HookKind,
    depth: usize,
    outer: Option<Arc<Link>>,
}

impl Link {
    pub(super) fn below(outer: Option<Arc<Link>>, model: Option<&Arc<ModelDef>>, kind: HookKind) -> Link {
        Link { model: model.cloned(), kind, depth: outer.as_ref().map_or(1, |outer| outer.depth + 1), outer }
    }

    /// How many hooks run inside of each other, this one included.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    fn each(&self) -> impl Iterator<Item = &Link> {
        std::iter::successors(Some(self), |link| link.outer.as_deref())
    }

    /// `User.after_create → User.after_create`
    pub(super) fn shown(&self) -> String {
        let mut names: Vec<String> =
            self.each().map(|link| format!("{}.{}", link.model.as_ref().map_or("", |model| &model.name), link.kind.name())).collect();
        names.reverse();
        names.join(" → ")
    }
}

/// Code that runs inside of a hook, until this is dropped. It must not be held while something is waited for.
pub(super) struct Within(Option<Arc<Link>>);

impl Within {
    pub(super) fn enter(link: &Arc<Link>) -> Within {
        Within(AROUND.with(|around| around.replace(Some(link.clone()))))
    }
}

impl Drop for Within {
    fn drop(&mut self) {
        // A thread that ends has nothing to put back.
        let _ = AROUND.try_with(|around| around.replace(self.0.take()));
    }
}

/// The hook inside of which the running code is.
pub(super) fn current() -> Option<Arc<Link>> {
    AROUND.with(|around| around.borrow().clone())
}

/// Work that is inside of a hook, on whatever thread it goes on.
pub(super) async fn within<T>(link: Arc<Link>, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    poll_fn(|cx| {
        let _within = Within::enter(&link);
        work.as_mut().poll(cx)
    })
    .await
}

/// Whether the running code is that of a hook around a statement, whose own statements are not told.
pub(crate) fn is_in_query_hook() -> bool {
    let around = |link: &Arc<Link>| link.each().any(|link| matches!(link.kind, HookKind::BeforeQuery | HookKind::AfterQuery));
    AROUND.with(|chain| chain.borrow().as_ref().is_some_and(around))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(kind: HookKind) -> Arc<Link> {
        Arc::new(Link::below(current(), None, kind))
    }

    #[tokio::test]
    async fn what_waits_leaves_nothing_behind() {
        let outer = link(HookKind::BeforeCreate);
        let depths = || current().map(|link| link.depth());
        let (a, b) = tokio::join!(
            within(outer.clone(), async {
                let before = depths();
                tokio::task::yield_now().await;
                let inner = link(HookKind::AfterCreate);
                let inside = within(inner, async {
                    tokio::task::yield_now().await;
                    (depths(), current().map(|link| link.shown()))
                });
                (before, inside.await, depths())
            }),
            async {
                let before = depths();
                tokio::task::yield_now().await;
                (before, depths())
            }
        );
        assert_eq!(a, (Some(1), (Some(2), Some(".before_create → .after_create".to_owned())), Some(1)));
        assert_eq!(b, (None, None), "beside it nothing is inside of a hook");
        assert_eq!(depths(), None);
    }

    #[test]
    fn what_is_entered_is_left_in_order() {
        let outer = link(HookKind::BeforeQuery);
        let first = Within::enter(&outer);
        assert!(is_in_query_hook());
        let inner = link(HookKind::BeforeCreate);
        let second = Within::enter(&inner);
        assert!(is_in_query_hook(), "at any depth");
        drop(second);
        assert_eq!(current().map(|link| link.depth()), Some(1));
        drop(first);
        assert!(!is_in_query_hook());
    }
}
