//! The HTTP servers of the channels.

use crate::channels_side::ChannelsSide;
use crate::connection::{BreakableListener, Breaker};
use crate::control::{self, Control};
use crate::error::SandboxError;
use crate::exchange::{Exchange, WholeRequest};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// No request of a channel's protocol is larger.
const BODY_BYTES_MAX: usize = 1 << 20;

/// Which channel a server plays.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Channel {
    Wechat,
    Unionpay,
}

/// A server that runs until told to stop.
pub(crate) struct Running {
    pub(crate) port: u16,
    task: JoinHandle<()>,
}

impl Running {
    /// Waits for the server's end, at most two seconds: a client may hold a connection open.
    pub(crate) async fn ended(mut self) {
        if tokio::time::timeout(Duration::from_secs(2), &mut self.task)
            .await
            .is_err()
        {
            self.task.abort();
        }
    }

    pub(crate) fn abort(&self) {
        self.task.abort();
    }
}

/// Listens on the loopback interface and serves one channel and the control endpoints.
pub(crate) async fn serve(
    channel: Channel,
    port: u16,
    control: Control,
    mut stop: watch::Receiver<bool>,
) -> Result<Running, SandboxError> {
    let failed = |source| SandboxError::Listen { port, source };
    let listener = TcpListener::bind(("127.0.0.1", port))
        .await
        .map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    let side = control.side.clone();
    let router =
        control::router(control).merge(Router::new().fallback(handle).with_state((channel, side)));
    let service = router.into_make_service_with_connect_info::<Breaker>();
    let task = tokio::spawn(async move {
        let stopped = async move {
            // An error means that the sandbox is gone, which also ends the server.
            let _ = stop.wait_for(|stop| *stop).await;
        };
        let served = axum::serve(BreakableListener(listener), service)
            .with_graceful_shutdown(stopped)
            .await;
        if let Err(error) = served {
            tracing::warn!(%error, "a channel's server ended");
        }
    });
    Ok(Running { port, task })
}

async fn handle(
    State((channel, side)): State<(Channel, Arc<ChannelsSide>)>,
    ConnectInfo(breaker): ConnectInfo<Breaker>,
    request: Request,
) -> Response {
    let Some(request) = whole(request).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let now = side.now();
    let exchange = match channel {
        Channel::Wechat => side.wechat.exchange(&request, now),
        Channel::Unionpay => side.unionpay.exchange(&request, now),
    };
    match exchange {
        Exchange::Answer(response) => response.map(Body::from),
        Exchange::Break { hang_millis } => {
            if !side.clock.is_simulated() {
                tokio::time::sleep(Duration::from_millis(hang_millis)).await;
            }
            breaker.break_off();
            StatusCode::NO_CONTENT.into_response()
        }
    }
}

async fn whole(request: Request) -> Option<WholeRequest> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_BYTES_MAX).await.ok()?;
    Some(WholeRequest::from_parts(parts, body.to_vec()))
}
