import type { FelixSources } from "../felix-views.ts";
import { type Metric, single } from "./metric.ts";

/** What a speaker in a process of its own tells of those who follow it. */
export const followerMetrics: readonly Metric[] = [
  single(
    "gauge",
    "margay_feed_followers",
    "Programmers in processes of their own that follow the routes",
    ({ followers }) => followers,
  ),
];

/** And what such a programmer tells of the speaker. */
export const feedMetrics: readonly Metric<FelixSources>[] = [
  single<FelixSources>(
    "gauge",
    "margay_feed_connected",
    "Whether the speaker is there, and followed",
    ({ feed }) => Number(feed.isConnected),
  ),
  single<FelixSources>(
    "gauge",
    "margay_feed_routes",
    "Routes that the speaker has told of",
    ({ feed }) => feed.routes,
  ),
  single<FelixSources>(
    "gauge",
    "margay_feed_stale_routes",
    "Of them, those that it has yet to tell again since it was away",
    ({ feed }) => feed.staleRoutes,
  ),
];
