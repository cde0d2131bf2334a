//! What a relation field is mistaken for: the list of its rows. Nothing here can be called, since its bound holds for nothing: it is there for the compiler to say that
//! rows are asked for by `loaded()`.

use super::{BelongsToMany, HasMany};
use std::ops::Index;

/// What no relation field is.
#[diagnostic::on_unimplemented(
    message = "the rows of this relation may not have been loaded",
    label = "ask for them: `.loaded()?`",
    note = "`user.posts.loaded()?` is the list of rows, or the error `NotLoaded`; `user.posts.get()` is an `Option` of it",
    note = "`User::find_all().include(User::POSTS)` loads them with their users, `user.load(User::POSTS, &db)` by themselves"
)]
pub trait CallLoadedFirst {
    /// What would be answered.
    fn answer<A>(&self) -> A;
}

/// Methods of lists on a field that may hold none.
macro_rules! list {
    ($field:ident<$item:ident $(, $rest:ident)?>) => {
        #[doc(hidden)]
        impl<$item $(, $rest)?> $field<$item $(, $rest)?>
        where
            Self: CallLoadedFirst,
        {
            /// Never called: `loaded`.
            pub fn len(&self) -> usize {
                self.answer()
            }

            /// Never called: `loaded`.
            pub fn is_empty(&self) -> bool {
                self.answer()
            }

            /// Never called: `loaded`.
            pub fn iter(&self) -> std::slice::Iter<'_, $item> {
                self.answer()
            }

            /// Never called: `loaded`.
            pub fn first(&self) -> Option<&$item> {
                self.answer()
            }

            /// Never called: `loaded`.
            pub fn last(&self) -> Option<&$item> {
                self.answer()
            }
        }

        #[doc(hidden)]
        // Not `IntoIterator`: the compiler would say no more than that there is none.
        impl<$item $(, $rest)?> Iterator for $field<$item $(, $rest)?>
        where
            Self: CallLoadedFirst,
        {
            type Item = $item;

            fn next(&mut self) -> Option<$item> {
                self.answer()
            }
        }

        #[doc(hidden)]
        impl<'a, $item $(, $rest)?> Iterator for &'a $field<$item $(, $rest)?>
        where
            $field<$item $(, $rest)?>: CallLoadedFirst,
        {
            type Item = &'a $item;

            fn next(&mut self) -> Option<&'a $item> {
                self.answer()
            }
        }

        #[doc(hidden)]
        impl<$item $(, $rest)?> Index<usize> for $field<$item $(, $rest)?>
        where
            Self: CallLoadedFirst,
        {
            type Output = $item;

            fn index(&self, _: usize) -> &$item {
                self.answer()
            }
        }
    };
}

list!(HasMany<T>);
list!(BelongsToMany<T, J>);
