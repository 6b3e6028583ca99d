//! Which names a namespace has.

use std::{fmt, sync::Arc};

use super::{NamespaceError, NamespaceParams};
use crate::socketio::{connect::Connect, connect_fn::BoxFuture, io::normalize, states::Needs};

/// The names of a namespace: one, or all that fit. What [`IntoNames`] makes.
#[derive(Clone)]
pub struct Names {
    pub(super) kind: Kind,
    pub(super) needs: Needs,
}

#[derive(Clone)]
pub(super) enum Kind {
    Plain(Arc<str>),
    /// Its source, for errors and handles, and what looks at names.
    Matching(Arc<str>, Arc<dyn Match>),
    /// Perhaps with a name of its own, and who decides.
    Decided(Option<Arc<str>>, Arc<dyn Decide>),
}

/// Looks at names.
pub(super) trait Match: Send + Sync {
    /// What it takes of a name that fits.
    fn params(&self, name: &str) -> Option<NamespaceParams>;

    /// Two that have the same shape take the same names.
    fn shape(&self) -> String;
}

/// An async function, without its type.
pub(super) trait Decide: Send + Sync {
    /// Errors and panics are a no.
    fn decide(&self, connect: &Connect) -> BoxFuture<bool>;
}

/// Whether a name is one of these.
pub(crate) enum Fit {
    No,
    Yes(NamespaceParams),
    Ask(BoxFuture<bool>),
}

impl Names {
    pub(super) fn matching(source: &str, matcher: impl Match + 'static) -> Self {
        Self { kind: Kind::Matching(source.into(), Arc::new(matcher)), needs: Needs::default() }
    }

    /// A name, or a pattern.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn of_text(text: &str) -> Result<Self, NamespaceError> {
        let name = normalize(text);
        if name.contains(',') {
            return Err(NamespaceError::new(&name, "a name has no comma, which ends it on the wire"));
        }
        if name.contains(['{', '}']) {
            let pattern = Pattern::new(&name)
                .map_err(|error| NamespaceError::new(&name, format_args!("no valid pattern: {error}")))?;
            return Ok(Self::matching(&name, pattern));
        }
        Ok(Self { kind: Kind::Plain(name.into()), needs: Needs::default() })
    }

    /// The one name, if it is one.
    pub(crate) fn plain(&self) -> Option<&Arc<str>> {
        if let Kind::Plain(name) = &self.kind { Some(name) } else { None }
    }

    /// What they are called in errors, and what their handle is found by.
    pub(crate) fn label(&self) -> Option<&Arc<str>> {
        match &self.kind {
            Kind::Plain(name) | Kind::Matching(name, _) => Some(name),
            Kind::Decided(label, _) => label.as_ref(),
        }
    }

    pub(crate) fn needs(&self) -> &Needs {
        &self.needs
    }

    /// Two of the same shape take the same names, as far as can be seen.
    pub(super) fn shape(&self) -> Option<String> {
        if let Kind::Matching(_, matcher) = &self.kind { Some(matcher.shape()) } else { None }
    }

    pub(crate) fn fit(&self, connect: &Connect) -> Fit {
        match &self.kind {
            Kind::Plain(name) if **name == *connect.namespace => Fit::Yes(NamespaceParams::default()),
            Kind::Plain(_) => Fit::No,
            Kind::Matching(_, matcher) => matcher.params(&connect.namespace).map_or(Fit::No, Fit::Yes),
            Kind::Decided(_, decide) => Fit::Ask(decide.decide(connect)),
        }
    }

    /// What is taken of the name of a client that wants to join, if it is one of these.
    pub(crate) async fn accept(&self, connect: &Connect) -> Option<NamespaceParams> {
        match self.fit(connect) {
            Fit::No => None,
            Fit::Yes(params) => Some(params),
            Fit::Ask(decision) => decision.await.then(NamespaceParams::default),
        }
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Names").field(&self.label()).finish()
    }
}

/// A name with parameters in braces.
struct Pattern {
    source: String,
    router: matchit::Router<()>,
}

impl Pattern {
    fn new(source: &str) -> Result<Self, matchit::InsertError> {
        let mut router = matchit::Router::new();
        router.insert(source, ())?;
        Ok(Self { source: source.to_owned(), router })
    }
}

impl Match for Pattern {
    fn params(&self, name: &str) -> Option<NamespaceParams> {
        let found = self.router.at(name).ok()?;
        Some(found.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// The pattern without the names of its parameters.
    fn shape(&self) -> String {
        let mut shape = String::new();
        let mut rest = &*self.source;
        while let Some(start) = rest.find('{') {
            let (before, from) = rest.split_at(start);
            shape.push_str(before);
            let Some(end) = from.find('}').filter(|_| !from.starts_with("{{")) else {
                shape.push_str("{{");
                rest = from.get(2..).unwrap_or_default();
                continue;
            };
            shape.push_str(if from.starts_with("{*") { "{*}" } else { "{}" });
            rest = &from[end + 1..];
        }
        shape + rest
    }
}

/// The names of a namespace: what [`SocketIoBuilder::namespace`](crate::SocketIoBuilder::namespace) and
/// [`Io::add_namespace`](crate::socketio::Io::add_namespace) take.
///
/// * A name, `"/chat"`. Its leading slash may be left out, and an empty name is `/`.
/// * A pattern, `"/org/{org}"`: braces take any one segment, `{*path}` all that are left. What they took is found by
///   [`Path<T>`](super::Path).
/// * With the feature `regex`, a regular expression.
/// * An async function or closure with extractors (see [`ConnectFn`](crate::socketio::ConnectFn)) that decides, or a
///   [`Decision`](super::Decision), which has a name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot name a namespace",
    label = "no name, and no way to decide about names",
    note = "names and patterns are texts: `\"/chat\"`, `\"/org/{{org}}\"`",
    note = "with the feature `regex`: a `regex::Regex`",
    note = "an async function or closure decides if its arguments can be extracted of a `Connect`, and it returns a `bool` or a `Result<bool, _>`"
)]
pub trait IntoNames<M> {
    /// The names.
    ///
    /// # Errors
    /// When no namespace can have such a name.
    fn into_names(self) -> Result<Names, NamespaceError>;
}

/// Tells texts and other values from functions, for [`IntoNames`].
#[derive(Debug)]
pub enum Named {}

impl IntoNames<Named> for &str {
    fn into_names(self) -> Result<Names, NamespaceError> {
        Names::of_text(self)
    }
}

impl IntoNames<Named> for &String {
    fn into_names(self) -> Result<Names, NamespaceError> {
        Names::of_text(self)
    }
}

impl IntoNames<Named> for String {
    fn into_names(self) -> Result<Names, NamespaceError> {
        Names::of_text(&self)
    }
}

impl IntoNames<Named> for Names {
    fn into_names(self) -> Result<Names, NamespaceError> {
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(name: &str) -> String {
        Names::of_text(name).unwrap_err().to_string()
    }

    #[test]
    fn names_that_cannot_be_are_refused_with_advice() {
        assert_eq!(problem("/a,b"), "namespace \"/a,b\": a name has no comma, which ends it on the wire");
        assert!(problem("/{").starts_with("namespace \"/{\": no valid pattern"));
    }

    #[test]
    fn a_leading_slash_may_be_left_out() {
        for (text, name) in [("", "/"), ("/", "/"), ("chat", "/chat"), ("/chat", "/chat")] {
            assert_eq!(Names::of_text(text).unwrap().plain().map(|name| &**name), Some(name));
        }
    }

    #[test]
    fn patterns_are_the_same_when_only_their_parameters_names_differ() {
        let is_same =
            |one, other| Names::of_text(one).unwrap().shape() == Names::of_text(other).unwrap().shape();
        assert!(is_same("/{a}/x", "/{b}/x"));
        assert!(is_same("/x/{*a}", "/x/{*b}"));
        assert!(!is_same("/{a}/x", "/{a}/y"));
        assert!(!is_same("/{a}", "/{*a}"));
        assert!(!is_same("/{a}", "/a"));
        assert!(!is_same("/{{a}}", "/{a}"));
    }
}
