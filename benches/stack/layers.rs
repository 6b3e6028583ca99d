//! What layers add: the same event, and the same way in, once without and once with each.

use std::{
    convert::Infallible,
    hint::black_box,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Waker},
    time::Duration,
};

use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Request, Response, request::Parts};
use tokio::runtime::Runtime;
use tower::{
    Layer, Service, ServiceBuilder,
    layer::{layer_fn, util::Identity},
    limit::ConcurrencyLimitLayer,
    load_shed::LoadShedLayer,
    service_fn,
    timeout::TimeoutLayer,
    util::{MapRequestLayer, MapResponseLayer, option_layer},
};
use tower_socketio::{
    Body,
    exchange::ConnectionError,
    layer::{
        AllowRequestLayer, ConnectionErrorLayer, CookieLayer, GenerateIdLayer, HeadersLayer,
        InitialHeadersLayer, MiddlewareErrorLayer, OriginLayer, TrustedProxiesLayer,
    },
    prelude::{Data, Event, Namespace},
    socketio::{EventRouter, Reply, SocketService},
};

use super::{
    Client, Plain, Server, World,
    cases::{Case, Run, TEXT, case, echo, namespace},
    frames, pipe,
};

const LONG: Duration = Duration::from_secs(60);

/// Around the events of a namespace. The first two need no server: an event is given to the handler's service as often as
/// asked.
pub(crate) const AROUND_EVENTS: &[Case] = &[
    case("the router alone", || router_alone(noting())),
    case("the service of a socket without layers", socket_service_alone),
    case("event with ack, no layer", || echo(namespace())),
    case("Identity", || echo(namespace().layer(Identity::new()))),
    case("an empty ServiceBuilder", || echo(namespace().layer(ServiceBuilder::new()))),
    case("option_layer(None)", || echo(namespace().layer(option_layer(None::<TimeoutLayer>)))),
    case("MapRequest", || echo(namespace().layer(MapRequestLayer::new(|event: Event| event)))),
    case("Timeout", || echo(namespace().layer(TimeoutLayer::new(LONG)))),
    case("option_layer(Some(Timeout))", || {
        echo(namespace().layer(option_layer(Some(TimeoutLayer::new(LONG)))))
    }),
    case("ConcurrencyLimit", || echo(namespace().layer(ConcurrencyLimitLayer::new(100)))),
    case("ConcurrencyLimit, per socket", || {
        echo(namespace().layer_per_socket(ConcurrencyLimitLayer::new(1)))
    }),
    case("LoadShed around ConcurrencyLimit", || {
        echo(namespace().layer(ConcurrencyLimitLayer::new(100)).layer(LoadShedLayer::new()))
    }),
    case("Timeout, ConcurrencyLimit and MapRequest", || {
        let layers =
            ServiceBuilder::new().timeout(LONG).concurrency_limit(100).map_request(|event: Event| event);
        echo(namespace().layer(layers))
    }),
];

/// Around the HTTP requests that open sessions: what comes over the websocket passes none of them.
pub(crate) const AROUND_REQUESTS: &[Case] = &[
    case("connect, join and end, no layer", || through(Identity::new())),
    case("HeadersLayer", || through(HeadersLayer::new(set_header))),
    case("InitialHeadersLayer", || through(InitialHeadersLayer::new(set_header))),
    case("ConnectionErrorLayer", || through(ConnectionErrorLayer::new(|_: &ConnectionError| {}))),
    case("GenerateIdLayer, UUID v4", || through(GenerateIdLayer::uuid_v4())),
    case("AllowRequestLayer", || through(AllowRequestLayer::new(|_: &Parts| true))),
    case("OriginLayer", || through(OriginLayer::new(["https://example.com"]))),
    case("TrustedProxiesLayer", || through(TrustedProxiesLayer::x_forwarded_for(["127.0.0.1"]))),
    case("CookieLayer", || through(CookieLayer::default())),
    case("MiddlewareErrorLayer", || through(MiddlewareErrorLayer::new())),
];

fn set_header(headers: &mut HeaderMap, _: &Parts) {
    headers.insert("x-served-by", HeaderValue::from_static("node-7"));
}

/// Clients that come and go, with this layer around the HTTP service.
fn through<L, S, B>(layer: L) -> Run
where
    L: Layer<Plain, Service = S>,
    S: Service<Request<Body>, Response = Response<B>, Error: std::fmt::Debug> + Clone + 'static,
{
    let mut world = World::new(async || Server::new(namespace()).layer(layer));
    Box::new(move |rounds| {
        world.run(async |server| {
            for _ in 0..rounds {
                server.join(pipe()).await.end().await;
            }
        });
    })
}

/// What the innermost service of a namespace, and that of one of its sockets, cost by themselves: no session takes part.
struct Taken {
    router: EventRouter,
    service: SocketService,
    event: Event,
}

fn taken(namespace: Namespace) -> World<(Client, Taken)> {
    fn put<T>(place: &Mutex<Option<T>>, value: T) {
        *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
    }
    fn take<T>(place: &Mutex<Option<T>>) -> Option<T> {
        place.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
    let (router, service, event) =
        (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(None)), Arc::new(Mutex::new(None)));
    let of_all = router.clone();
    let passing = layer_fn(move |router: EventRouter| {
        put(&of_all, router.clone());
        router
    });
    let (of_socket, of_client) = (service.clone(), event.clone());
    let swap = MapResponseLayer::new(move |service: SocketService| {
        put(&of_socket, service);
        let of_client = of_client.clone();
        SocketService::new(service_fn(move |event: Event| {
            put(&of_client, event);
            std::future::ready(Ok::<_, Infallible>(Reply::none()))
        }))
    });
    let namespace = namespace.layer(passing).connect_layer(swap);
    World::new(async || {
        let client = Server::new(namespace).join(pipe()).await;
        client.send(&frames::text(&format!(r#"42["note","{TEXT}"]"#)));
        let event = loop {
            match take(&event) {
                Some(event) => break event,
                None => tokio::task::yield_now().await,
            }
        };
        let (Some(router), Some(service)) = (take(&router), take(&service)) else {
            panic!("a socket has joined")
        };
        (client, Taken { router, service, event })
    })
}

/// A handler that reads a text.
fn noting() -> Namespace {
    Namespace::new().on("note", async |Data(text): Data<String>| drop(black_box(text)))
}

/// The router of a namespace that handles `note`.
pub(crate) fn router_alone(namespace: Namespace) -> Run {
    let World { inner: (client, Taken { router, event, .. }), runtime } = taken(namespace);
    called(router, event, (client, runtime))
}

fn socket_service_alone() -> Run {
    let World { inner: (client, Taken { service, event, .. }), runtime } = taken(noting());
    called(service, event, (client, runtime))
}

/// Calls the service with the same event again and again; a client with its runtime stays connected meanwhile.
fn called<S>(mut service: S, event: Event, connected: (Client, Runtime)) -> Run
where
    S: Service<Event, Error: std::fmt::Debug> + 'static,
{
    let mut cx = Context::from_waker(Waker::noop());
    Box::new(move |rounds| {
        let _connected = &connected;
        for _ in 0..rounds {
            assert!(service.poll_ready(&mut cx).is_ready());
            let done = service.call(black_box(event.clone())).now_or_never();
            done.expect("a handler that waits for nothing").expect("an answer");
        }
    })
}
