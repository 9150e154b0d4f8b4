# Varnish in front of edge-node: any number of viewers for one stream of requests to the origin.
#
#   varnishd -a :80 -f varnish.vcl -s malloc,1G -s Transient=malloc,256M -p thread_pool_min=200
#
# Transient has what lives for less than ten seconds (errors, first playlists); without a size it takes whatever it is asked for.
# The origin is the only thing to fill in. Varnish speaks no TLS: put hitch before it, or a load balancer.
vcl 4.1;

import std;

backend origin {
    .host = "127.0.0.1";
    .port = "8080";
    # The origin holds a request until its part exists, for at most 9 s, and sends no byte before that.
    .first_byte_timeout = 15s;
    .connect_timeout = 3s;
    .between_bytes_timeout = 10s;
}

sub vcl_recv {
    # What the keeper of the box looks at is not for the audience.
    if (req.url ~ "^/metrics" || (req.url ~ "^/api/" && req.url !~ "^/api/(clock|status)$")) {
        return (synth(404, "Not Found"));
    }
    # Browsers ask before a request from a page of another host; the answer differs by nothing that is hashed.
    if (req.method == "OPTIONS") {
        return (pass);
    }
    if (req.method != "GET" && req.method != "HEAD") {
        return (synth(405, "Method Not Allowed"));
    }
    # The page measures its delay by the origin's clock: an old answer would be a wrong clock.
    if (req.url == "/api/clock") {
        return (pass);
    }
    # One URL for what is one object, whatever is added to it or in which order: else each spelling were a fetch of its own.
    if (req.url ~ "\.m3u8\?") {
        set req.url = std.querysort(req.url);
        set req.url = regsuball(req.url, "([?&])(?!_HLS_(?:msn|part|skip)=)[^&]*", "\1");
        set req.url = regsuball(req.url, "&&+", "&");
        set req.url = regsub(req.url, "\?&", "?");
        set req.url = regsub(req.url, "[?&]+$", "");
    } else {
        set req.url = regsub(req.url, "\?.*$", "");
    }
    # Nothing here is personal, and Varnish would not share an answer to a request with either of these.
    unset req.http.Cookie;
    unset req.http.Authorization;
    return (hash);
}

sub vcl_hash {
    # By path alone: the audience comes by several names and addresses to the same show.
    hash_data(req.url);
    return (lookup);
}

sub vcl_backend_response {
    # A live playlist that is out of date is worse than a short wait, so nothing is served beyond its lifetime.
    set beresp.grace = 0s;
    set beresp.keep = 0s;
    if (beresp.http.Cache-Control ~ "no-cache" && beresp.status == 200) {
        # The page and its scripts: one fetch for a crowd that comes through the doors together.
        set beresp.ttl = 10s;
        return (deliver);
    }
    if (bereq.url == "/api/status" && beresp.status == 200) {
        # Each page that waits for the show asks every few seconds.
        set beresp.ttl = 1s;
        return (deliver);
    }
    if (beresp.status >= 400 && beresp.http.Cache-Control ~ "max-age=[0-9]+") {
        # The origin says how long each error holds; by itself Varnish keeps some kinds and no others. A crowd whose hold ran
        # out (503) hears of it together: of an answer that is not kept, each would be held anew, one after the other.
        set beresp.ttl = std.duration(regsub(beresp.http.Cache-Control, "^.*max-age=([0-9]+).*$", "\1") + "s", 0s);
        return (deliver);
    }
    if (beresp.http.Cache-Control ~ "no-store" || beresp.ttl <= 0s) {
        # Not kept, and not remembered as uncacheable either. By itself Varnish does that for two minutes, in which every
        # viewer's request for the name would go to the origin: a part that was asked for too early is a part soon after.
        set beresp.ttl = 0s;
        return (deliver);
    }
    return (deliver);
}

sub vcl_backend_error {
    # The origin is away: a crowd tries once a second, not each viewer for itself.
    set beresp.ttl = 1s;
    set beresp.grace = 0s;
    set beresp.http.Cache-Control = "no-store";
    set beresp.http.Retry-After = "1";
    set beresp.http.Access-Control-Allow-Origin = "*";
    set beresp.http.Content-Type = "text/plain; charset=utf-8";
    synthetic("the origin does not answer" + {"
"});
    return (deliver);
}

sub vcl_deliver {
    # RFC 9211: how this answer came about, after what the origin says of itself.
    if (obj.hits > 0) {
        set resp.http.Cache-Status = resp.http.Cache-Status + ", varnish; hit";
    } else {
        set resp.http.Cache-Status = resp.http.Cache-Status + ", varnish; fwd=miss";
    }
    unset resp.http.X-Varnish;
    unset resp.http.Via;
}
