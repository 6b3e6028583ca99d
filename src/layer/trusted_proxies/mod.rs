//! Know the clients behind proxies: their addresses, and whether they came over TLS.
//!
//! Behind a proxy every request comes from the proxy's address. The layer replaces it with the client's, as the proxies
//! tell it, in the extension [`PeerAddr`]: for handlers, for the limit of sessions per address, for logs. It needs the
//! address of the peer to begin with: a [`PeerAddr`] of the accept loop, or, with the feature `axum`, axum's
//! `ConnectInfo<SocketAddr>`.
//!
//! Any client can send these headers, too. So only those proxies are believed that are listed: the header is read from
//! the right, where the nearest proxy has written, as long as whoever has written is trusted; the first address that is
//! not is the client's. What stands left of it is hearsay. A request that comes from elsewhere is left as it is.
//!
//! * **List proxies only**: whoever has one of these addresses may claim to be anybody.
//! * **Name the one header that your proxies write.** They pass others on as the client has sent them. For the same
//!   reason `X-Forwarded-Proto` is read only if [you say so](TrustedProxiesLayer::x_forwarded_proto).
//! * Where a proxy does not know the address or does not tell, its own stays.
//!
//! ```
//! # use std::convert::Infallible;
//! # use http::{Request, Response};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_socketio::layer::TrustedProxiesLayer;
//!
//! // A balancer on this host, behind one of two others.
//! let proxies = ["127.0.0.1", "::1", "192.0.2.0/31"];
//! let layer = TrustedProxiesLayer::x_forwarded_for(proxies).x_forwarded_proto();
//!
//! // The same for `Forwarded` (RFC 7239), which tells of TLS, too.
//! let layer = TrustedProxiesLayer::forwarded(proxies);
//!
//! # let engine = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(())));
//! let service = ServiceBuilder::new().layer(layer).service(engine);
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(service.oneshot(Request::new(()))).unwrap();
//! ```

mod header;

use std::{
    error::Error,
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    task::{Context, Poll},
};

use http::{Extensions, HeaderMap, Request};
use ipnet::IpNet;
use tower::{Layer, Service};

use self::header::Step;
use crate::exchange::{PeerAddr, Secure};

/// Takes the client's address from trusted proxies: see the [module](self).
#[derive(Debug, Clone)]
pub struct TrustedProxiesLayer {
    proxies: Arc<[IpNet]>,
    source: Source,
    x_forwarded_proto: bool,
    unix_sockets: bool,
}

#[derive(Debug, Clone, Copy)]
enum Source {
    XForwardedFor,
    Forwarded,
}

/// It is neither an address nor a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidNetwork(String);

impl TrustedProxiesLayer {
    /// Believes these addresses (`127.0.0.1`) and networks (`10.1.0.0/16`), and reads `X-Forwarded-For`.
    ///
    /// # Panics
    /// If one of them is neither. [`try_x_forwarded_for`](Self::try_x_forwarded_for) is for lists from a configuration.
    #[track_caller]
    pub fn x_forwarded_for(proxies: impl IntoIterator<Item: AsRef<str>>) -> Self {
        Self::try_x_forwarded_for(proxies).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same for a list that is not known to be right.
    ///
    /// # Errors
    /// If one of them is neither an address nor a network.
    pub fn try_x_forwarded_for(proxies: impl IntoIterator<Item: AsRef<str>>) -> Result<Self, InvalidNetwork> {
        Self::reading(Source::XForwardedFor, proxies)
    }

    /// Believes these addresses and networks, and reads `Forwarded` (RFC 7239).
    ///
    /// # Panics
    /// If one of them is neither. [`try_forwarded`](Self::try_forwarded) is for lists from a configuration.
    #[track_caller]
    pub fn forwarded(proxies: impl IntoIterator<Item: AsRef<str>>) -> Self {
        Self::try_forwarded(proxies).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same for a list that is not known to be right.
    ///
    /// # Errors
    /// If one of them is neither an address nor a network.
    pub fn try_forwarded(proxies: impl IntoIterator<Item: AsRef<str>>) -> Result<Self, InvalidNetwork> {
        Self::reading(Source::Forwarded, proxies)
    }

    fn reading(source: Source, proxies: impl IntoIterator<Item: AsRef<str>>) -> Result<Self, InvalidNetwork> {
        let proxies = proxies.into_iter().map(|proxy| network(proxy.as_ref())).collect::<Result<_, _>>()?;
        Ok(Self { proxies, source, x_forwarded_proto: false, unix_sockets: false })
    }

    /// Takes from `X-Forwarded-Proto` whether the client came over TLS. The outermost proxy must write it itself, not
    /// pass it on.
    pub fn x_forwarded_proto(mut self) -> Self {
        self.x_forwarded_proto = true;
        self
    }

    /// Believes peers without an address, too: those of unix sockets.
    ///
    /// Where a server also listens on TCP, be sure that the addresses of those peers are in the extensions: whoever
    /// has none is believed.
    pub fn trust_unix_sockets(mut self) -> Self {
        self.unix_sockets = true;
        self
    }

    fn trusts(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.proxies.iter().any(|network| network.contains(&ip))
    }

    /// Puts into the extensions what the proxies tell.
    fn tell(&self, headers: &HeaderMap, extensions: &mut Extensions) {
        let is_trusted = match PeerAddr::of(extensions) {
            Some(peer) => self.trusts(peer.ip()),
            None => self.unix_sockets,
        };
        if !is_trusted {
            return;
        }
        let client = match self.source {
            Source::XForwardedFor => self.client(header::x_forwarded_for(headers)),
            Source::Forwarded => self.client(header::forwarded(headers)),
        };
        if let Some(address) = client.address {
            extensions.insert(PeerAddr(address));
        }
        let told = if self.x_forwarded_proto {
            header::x_forwarded_proto(headers, client.steps_ago)
        } else {
            client.is_secure
        };
        match told {
            Some(true) => drop(extensions.insert(Secure)),
            // The last stretch may have been, but not the whole way.
            Some(false) => drop(extensions.remove::<Secure>()),
            None => {}
        }
    }

    /// Follows the steps back, the latest first, as long as those who tell of them are trusted.
    fn client(&self, steps: impl Iterator<Item = Step>) -> Client {
        let mut client = Client::default();
        for (steps_ago, step) in steps.enumerate() {
            client =
                Client { address: step.address.or(client.address), is_secure: step.is_secure, steps_ago };
            if !step.address.is_some_and(|address| self.trusts(address.ip())) {
                break;
            }
        }
        client
    }
}

/// The furthest that is known by trusted word.
#[derive(Debug, Clone, Copy, Default)]
struct Client {
    address: Option<SocketAddr>,
    is_secure: Option<bool>,
    steps_ago: usize,
}

fn network(text: &str) -> Result<IpNet, InvalidNetwork> {
    let address = text.parse::<IpAddr>().map(|ip| IpNet::from(ip.to_canonical()));
    address.or_else(|_| text.parse::<IpNet>()).map_err(|_| {
        InvalidNetwork(format!(
            "{text:?} is neither an address nor a network: write it as in \"192.0.2.1\", \"10.1.0.0/16\" or \
             \"2001:db8::/32\""
        ))
    })
}

impl fmt::Display for InvalidNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for InvalidNetwork {}

impl<S> Layer<S> for TrustedProxiesLayer {
    type Service = TrustedProxies<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TrustedProxies { inner, layer: self.clone() }
    }
}

/// The service of [`TrustedProxiesLayer`].
#[derive(Debug, Clone)]
pub struct TrustedProxies<S> {
    inner: S,
    layer: TrustedProxiesLayer,
}

impl<S, B> Service<Request<B>> for TrustedProxies<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        self.layer.tell(&parts.headers, &mut parts.extensions);
        self.inner.call(Request::from_parts(parts, body))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tower::{ServiceBuilder, ServiceExt, service_fn};

    use super::*;

    const PROXIES: [&str; 3] = ["10.0.0.0/8", "2001:db8::1", "127.0.0.1"];

    /// A request from this peer with these headers, written as `name: value`.
    fn request(peer: Option<&str>, headers: &[&str]) -> Request<()> {
        let mut request = Request::builder();
        for header in headers {
            let (name, value) = header.split_once(": ").unwrap();
            request = request.header(name, value);
        }
        if let Some(peer) = peer {
            request = request.extension(PeerAddr(peer.parse().unwrap()));
        }
        request.body(()).unwrap()
    }

    /// What stands behind the layers is told an address (or none), and perhaps of TLS.
    async fn told<L>(layer: L, request: Request<()>) -> String
    where
        L: Layer<tower::util::BoxCloneService<Request<()>, String, Infallible>>,
        L::Service: Service<Request<()>, Response = String, Error = Infallible>,
    {
        let engine = service_fn(async |request: Request<()>| {
            let address = PeerAddr::of(request.extensions()).map_or("?".to_owned(), |peer| peer.to_string());
            let secure = request.extensions().get::<Secure>().map_or("", |_| " secure");
            Ok(format!("{address}{secure}"))
        });
        layer.layer(tower::util::BoxCloneService::new(engine)).oneshot(request).await.unwrap()
    }

    async fn x_forwarded_for(peer: &str, header: &str) -> String {
        let header = format!("x-forwarded-for: {header}");
        told(TrustedProxiesLayer::x_forwarded_for(PROXIES), request(Some(peer), &[&header])).await
    }

    #[tokio::test]
    async fn the_client_is_the_first_from_the_right_that_is_no_trusted_proxy() {
        let table = [
            ("10.0.0.1:80", "198.51.100.7", "198.51.100.7:0"),
            ("10.0.0.1:80", "198.51.100.7:4711", "198.51.100.7:4711"),
            ("10.0.0.1:80", "198.51.100.7, 10.0.0.2", "198.51.100.7:0"),
            ("10.0.0.1:80", "198.51.100.7, 2001:db8::1, 10.0.0.2", "198.51.100.7:0"),
            ("[2001:db8::1]:80", "2001:db8::9", "[2001:db8::9]:0"),
            ("[::ffff:10.0.0.1]:80", "198.51.100.7", "198.51.100.7:0"),
            // All are trusted: the first of them has asked.
            ("10.0.0.1:80", "10.0.0.3, 10.0.0.2", "10.0.0.3:0"),
        ];
        for (peer, header, expected) in table {
            assert_eq!(x_forwarded_for(peer, header).await, expected, "{peer} {header}");
        }
    }

    #[tokio::test]
    async fn a_client_cannot_choose_its_address() {
        let lies =
            ["6.6.6.6", "10.0.0.9", "6.6.6.6, 10.0.0.9", "10.0.0.9, 6.6.6.6", "", ",", "\"", "unknown"];
        for lie in lies {
            // By itself.
            assert_eq!(x_forwarded_for("198.51.100.7:9", lie).await, "198.51.100.7:9", "{lie}");
            // Through one proxy, and through two.
            assert_eq!(
                x_forwarded_for("10.0.0.1:80", &format!("{lie}, 198.51.100.7")).await,
                "198.51.100.7:0"
            );
            let two = format!("{lie}, 198.51.100.7, 10.0.0.2");
            assert_eq!(x_forwarded_for("10.0.0.1:80", &two).await, "198.51.100.7:0");
        }
    }

    #[tokio::test]
    async fn a_client_cannot_choose_its_address_by_another_header() {
        let layer = TrustedProxiesLayer::x_forwarded_for(PROXIES);
        let headers = ["forwarded: for=6.6.6.6", "x-forwarded-for: 198.51.100.7", "x-real-ip: 6.6.6.6"];
        assert_eq!(told(layer, request(Some("10.0.0.1:80"), &headers)).await, "198.51.100.7:0");
        let layer = TrustedProxiesLayer::forwarded(PROXIES);
        let headers = ["x-forwarded-for: 6.6.6.6", "forwarded: for=198.51.100.7"];
        assert_eq!(told(layer, request(Some("10.0.0.1:80"), &headers)).await, "198.51.100.7:0");
    }

    #[tokio::test]
    async fn a_proxy_that_does_not_tell_stays_the_peer() {
        for header in ["6.6.6.6, unknown", "6.6.6.6,", "6.6.6.6, unix:", "nonsense"] {
            assert_eq!(x_forwarded_for("10.0.0.1:80", header).await, "10.0.0.1:80", "{header}");
        }
        assert_eq!(x_forwarded_for("10.0.0.1:80", "6.6.6.6, unknown, 10.0.0.2").await, "10.0.0.2:0");
        let layer = TrustedProxiesLayer::x_forwarded_for(PROXIES);
        assert_eq!(told(layer, request(Some("10.0.0.1:80"), &[])).await, "10.0.0.1:80");
    }

    #[tokio::test]
    async fn forwarded_tells_address_and_tls() {
        let layer = TrustedProxiesLayer::forwarded(PROXIES);
        let table = [
            ("for=198.51.100.7;proto=https", "198.51.100.7:0 secure"),
            ("for=198.51.100.7;proto=http", "198.51.100.7:0"),
            (r#"for="[2001:db8::9]:4711";proto=https, for=10.0.0.2;proto=http"#, "[2001:db8::9]:4711 secure"),
            ("for=6.6.6.6;proto=https, for=198.51.100.7;proto=http", "198.51.100.7:0"),
            ("for=6.6.6.6;proto=https, for=198.51.100.7", "198.51.100.7:0"),
            ("for=unknown;proto=https", "10.0.0.1:80 secure"),
        ];
        for (header, expected) in table {
            let request = request(Some("10.0.0.1:80"), &[&format!("forwarded: {header}")]);
            assert_eq!(told(layer.clone(), request).await, expected, "{header}");
        }
        let request = request(Some("6.6.6.6:80"), &["forwarded: for=198.51.100.7;proto=https"]);
        assert_eq!(told(layer, request).await, "6.6.6.6:80");
    }

    #[tokio::test]
    async fn x_forwarded_proto_is_believed_only_if_told_so() {
        let headers = ["x-forwarded-for: 198.51.100.7", "x-forwarded-proto: https"];
        let layer = TrustedProxiesLayer::x_forwarded_for(PROXIES);
        assert_eq!(told(layer.clone(), request(Some("10.0.0.1:80"), &headers)).await, "198.51.100.7:0");
        let layer = layer.x_forwarded_proto();
        let request = |peer| request(Some(peer), &headers);
        assert_eq!(told(layer.clone(), request("10.0.0.1:80")).await, "198.51.100.7:0 secure");
        assert_eq!(told(layer, request("6.6.6.6:80")).await, "6.6.6.6:80");
    }

    #[tokio::test]
    async fn tls_on_the_last_stretch_alone_is_not_secure() {
        let layer = TrustedProxiesLayer::x_forwarded_for(PROXIES).x_forwarded_proto();
        for (header, expected) in
            [("x-forwarded-proto: http", "10.0.0.1:80"), ("x-other: 1", "10.0.0.1:80 secure")]
        {
            let mut request = request(Some("10.0.0.1:80"), &[header]);
            request.extensions_mut().insert(Secure);
            assert_eq!(told(layer.clone(), request).await, expected, "{header}");
        }
    }

    #[tokio::test]
    async fn peers_without_an_address_are_believed_only_if_told_so() {
        let request = || request(None, &["x-forwarded-for: 198.51.100.7"]);
        let layer = TrustedProxiesLayer::x_forwarded_for([""; 0]);
        assert_eq!(told(layer.clone(), request()).await, "?");
        assert_eq!(told(layer.trust_unix_sockets(), request()).await, "198.51.100.7:0");
    }

    #[tokio::test]
    async fn two_layers_tell_the_same_as_one() {
        let layer = || TrustedProxiesLayer::x_forwarded_for(PROXIES);
        let twice = ServiceBuilder::new().layer(layer()).layer(layer()).into_inner();
        for header in ["x-forwarded-for: 6.6.6.6, 198.51.100.7", "x-forwarded-for: 10.0.0.3, 10.0.0.2"] {
            let request = || request(Some("10.0.0.1:80"), &[header]);
            assert_eq!(told(twice.clone(), request()).await, told(layer(), request()).await);
        }
    }

    #[test]
    fn what_is_no_network_is_refused_with_advice() {
        for text in ["", "localhost", "10.0.0.0/33", "10.0.0", "10.0.0.1:80", "*"] {
            let error = TrustedProxiesLayer::try_x_forwarded_for([text]).unwrap_err();
            assert!(error.to_string().contains("write it as in \"192.0.2.1\""), "{error}");
            assert_eq!(TrustedProxiesLayer::try_forwarded([text]).unwrap_err(), error);
        }
    }

    #[test]
    #[should_panic = "\"localhost\" is neither an address nor a network"]
    fn a_wrong_network_panics_with_advice() {
        TrustedProxiesLayer::forwarded(["localhost"]);
    }

    #[tokio::test]
    async fn readiness_is_the_inner_services_and_spent_by_the_call() {
        let permits = Arc::new(tokio::sync::Semaphore::new(1));
        let limit = tower::limit::GlobalConcurrencyLimitLayer::with_semaphore(permits.clone());
        let engine = service_fn(async |_: Request<()>| Ok::<_, Infallible>(()));
        let mut service = TrustedProxiesLayer::forwarded(PROXIES).layer(limit.layer(engine));
        service.ready().await.unwrap();
        assert_eq!(permits.available_permits(), 0);
        service.call(request(None, &[])).await.unwrap();
        assert_eq!(permits.available_permits(), 1);
    }
}
