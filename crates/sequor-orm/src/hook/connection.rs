//! Hooks around connections and definitions, which belong to a `Db` as a whole: no row and no transaction is near them.

use sequor_core::driver::{BoxFuture, Connection};
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Where a connection is about to go; `before_connect` may change it.
///
/// ```
/// # use sequor::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let db = Db::options("sqlite::memory:")
///     .with_hooks(|hooks| hooks.before_connect("token", |target| Box::pin(async move {
///         if target.url().starts_with("postgres://") {
///             target.set_credentials("app", "a token that is new each time");
///         }
///         Ok(())
///     })))
///     .connect()
///     .await?;
/// # drop(db);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectTarget {
    url: String,
}

impl ConnectTarget {
    pub(crate) fn new(url: &str) -> ConnectTarget {
        ConnectTarget { url: url.to_owned() }
    }

    /// The URL, with its credentials.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Connects somewhere else; the database stays of the same kind.
    pub fn set_url(&mut self, url: impl Into<String>) {
        self.url = url.into();
    }

    /// Connects as somebody, with a password that may be new each time: a token that ends.
    pub fn set_credentials(&mut self, user: &str, password: &str) {
        let Some((scheme, rest)) = self.url.split_once("://") else { return };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let host = rest[..end].rfind('@').map_or(rest, |at| &rest[at + 1..]);
        self.url = format!("{scheme}://{}:{}@{host}", encoded(user), encoded(password));
    }
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

impl fmt::Debug for ConnectTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectTarget").finish_non_exhaustive()
    }
}

/// A connection that was just opened; `after_connect` may set it up. What is executed on it belongs to its session: where the pool has to clean the session
/// for another reason, it is executed again.
///
/// ```
/// # use sequor::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let db = Db::options("sqlite::memory:")
///     .with_hooks(|hooks| hooks.after_connect("cache", |connection| Box::pin(connection.execute("PRAGMA cache_size = -8000"))))
///     .connect()
///     .await?;
/// assert_eq!(db.query_as::<(i64,)>(sql!("PRAGMA cache_size")).await?, [(-8000,)]);
/// # Ok(())
/// # }
/// ```
pub struct NewConnection {
    connection: Box<dyn Connection>,
    /// What was executed.
    scripts: Vec<String>,
}

impl NewConnection {
    /// Runs statements without parameters on it.
    ///
    /// ```
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::options("sqlite::memory:")
    ///     .with_hooks(|hooks| hooks.after_connect("cache", |connection| Box::pin(connection.execute("PRAGMA cache_size = -8000"))))
    ///     .connect()
    ///     .await?;
    /// # drop(db);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database.
    pub async fn execute(&mut self, sql: &str) -> Result<()> {
        self.connection.execute_script(sql.to_owned()).await?;
        self.scripts.push(sql.to_owned());
        Ok(())
    }
}

/// Something that happened to a connection of a pool.
///
/// ```
/// # use sequor::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let db = Db::connect("sqlite::memory:").await?;
/// db.global_hooks().after_pool_acquire("count", |event| { println!("a connection to {}", event.target()); Box::pin(async { Ok(()) }) });
/// db.authenticate().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PoolEvent {
    target: String,
}

impl PoolEvent {
    /// Host, port and database; never credentials.
    pub fn target(&self) -> &str {
        &self.target
    }
}

/// When a [`PoolEvent`] is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PoolMoment {
    BeforeDisconnect,
    AfterDisconnect,
    BeforeAcquire,
    AfterAcquire,
}

/// When a definition is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ModelMoment {
    BeforeDefine,
    AfterDefine,
    BeforeAssociate,
    AfterAssociate,
}

pub(super) type ConnectFn = Arc<dyn for<'a> Fn(&'a mut ConnectTarget) -> BoxFuture<'a, Result<()>> + Send + Sync>;
pub(super) type OpenedFn = Arc<dyn for<'a> Fn(&'a mut NewConnection) -> BoxFuture<'a, Result<()>> + Send + Sync>;
pub(super) type PoolFn = Arc<dyn for<'a> Fn(&'a PoolEvent) -> BoxFuture<'a, Result<()>> + Send + Sync>;
pub(super) type ModelFn = Arc<dyn Fn(&mut ModelDef) -> Result<()> + Send + Sync>;

#[derive(Clone)]
pub(super) enum Listener {
    Connect(ConnectFn),
    Opened(OpenedFn),
    Pool(PoolMoment, PoolFn),
    Model(ModelMoment, ModelFn),
}

impl Listener {
    /// Whether two listen for the same.
    fn is_like(&self, other: &Listener) -> bool {
        match (self, other) {
            (Listener::Connect(_), Listener::Connect(_)) | (Listener::Opened(_), Listener::Opened(_)) => true,
            (Listener::Pool(a, _), Listener::Pool(b, _)) => a == b,
            (Listener::Model(a, _), Listener::Model(b, _)) => a == b,
            _ => false,
        }
    }
}

/// The hooks of one `Db` around its connections and definitions.
#[derive(Default)]
pub(crate) struct ConnectionHooks {
    listeners: RwLock<Vec<(String, Listener)>>,
    any: AtomicBool,
}

impl ConnectionHooks {
    pub(super) fn add(&self, name: &str, listener: Listener) {
        let mut listeners = self.listeners.write().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|(known, other)| known != name || !other.is_like(&listener));
        listeners.push((name.to_owned(), listener));
        self.any.store(true, Ordering::Release);
    }

    pub(super) fn remove(&self, name: &str) -> bool {
        let mut listeners = self.listeners.write().unwrap_or_else(PoisonError::into_inner);
        let before = listeners.len();
        listeners.retain(|(known, _)| known != name);
        before != listeners.len()
    }

    /// Whether anybody has ever listened.
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    fn all(&self) -> Vec<(String, Listener)> {
        if !self.any() {
            return Vec::new();
        }
        self.listeners.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where to connect to, if a hook has a say in it.
    pub(crate) async fn target(&self, url: &str) -> Result<Option<ConnectTarget>> {
        let mut target = None;
        for (name, listener) in self.all() {
            if let Listener::Connect(run) = listener {
                let target = target.get_or_insert_with(|| ConnectTarget::new(url));
                super::fire::guarded(&name, || run(target)).await?;
            }
        }
        Ok(target.filter(|target| target.url != url))
    }

    /// Sets a new connection up, and says with what.
    pub(crate) async fn opened(&self, connection: Box<dyn Connection>) -> Result<(Box<dyn Connection>, Vec<String>)> {
        let mut opened = NewConnection { connection, scripts: Vec::new() };
        for (name, listener) in self.all() {
            if let Listener::Opened(run) = listener
                && let Err(error) = super::fire::guarded(&name, || run(&mut opened)).await
            {
                opened.connection.close().await;
                return Err(error);
            }
        }
        if !opened.scripts.is_empty() {
            opened.connection.keep_session();
        }
        Ok((opened.connection, opened.scripts))
    }

    /// Tells what happens to a connection.
    pub(crate) async fn pool(&self, moment: PoolMoment, target: impl FnOnce() -> String) -> Result<()> {
        if !self.any() {
            return Ok(());
        }
        let event = PoolEvent { target: target() };
        for (name, listener) in self.all() {
            if let Listener::Pool(when, run) = listener
                && when == moment
            {
                super::fire::guarded(&name, || run(&event)).await?;
            }
        }
        Ok(())
    }

    /// Tells of a model that is defined, or gets a relation.
    pub(crate) fn model(&self, moment: ModelMoment, def: &mut ModelDef) -> Result<()> {
        for (name, listener) in self.all() {
            if let Listener::Model(when, run) = listener
                && when == moment
            {
                run(def).map_err(|error| match error {
                    Error::Other(source) => Error::Hook { hook: name, source },
                    own => own,
                })?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_put_into_the_url() {
        for (url, expected) in [
            ("postgres://host/app", "postgres://ann:p%40ss@host/app"),
            ("postgres://old:secret@host:5432/app?sslmode=require", "postgres://ann:p%40ss@host:5432/app?sslmode=require"),
            ("mysql://host?x=a@b", "mysql://ann:p%40ss@host?x=a@b"),
            ("sqlite::memory:", "sqlite::memory:"),
        ] {
            let mut target = ConnectTarget::new(url);
            target.set_credentials("ann", "p@ss");
            assert_eq!(target.url(), expected);
            assert!(!format!("{target:?}").contains("ss"));
        }
    }
}
