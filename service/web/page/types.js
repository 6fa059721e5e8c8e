// The shapes that the modules hand to each other, for readers and editors; no module loads this file.

/**
 * @typedef {{latitude: number, longitude: number}} Position in WGS84 degrees
 *
 * @typedef {object} Candidate a picture of a map that may show the place
 * @property {number} rank 1 is the best
 * @property {string} id
 * @property {number} latitude
 * @property {number} longitude
 * @property {number | null} heading_deg clockwise from true north
 * @property {number | null} mutual_matches null without re-ranking, and on a map with another re-ranker
 * @property {number | null} score the score by the map's re-ranker
 * @property {number} global_distance
 *
 * @typedef {object} CellGrid where the cells of a picture lie, as fractions of its width and height
 * @property {number} rows
 * @property {number} columns
 * @property {number[]} x the middle of each column
 * @property {number[]} y the middle of each row
 *
 * @typedef {object} MatchedCandidate a candidate with the cells by which it matches the photo
 * @property {Candidate} candidate
 * @property {boolean} is_elsewhere whether it shows another place than the best candidate
 * @property {number} count the number of all pairs
 * @property {number[]} query_cells the cells of the most similar pairs, the most similar first
 * @property {number[]} candidate_cells
 * @property {number[]} similarities cosines
 *
 * @typedef {{rows: number, columns: number, values: number[]}} Heat how much each part of a photo weighs, row by row
 *
 * @typedef {"localized" | "uncertain" | "not_found" | "uncalibrated" | "no_candidates"} Status
 *
 * @typedef {object} Answer an answer of POST /localize
 * @property {Status} status
 * @property {Position | null} position
 * @property {number | null} confidence
 * @property {{radius_m: number, level: number} | null} accuracy
 * @property {{compared: number, matches: number | null, rival_matches: number | null, score: number, rival_score: number} | null} evidence
 * @property {Candidate[]} candidates best first
 * @property {{grid: CellGrid, candidates: MatchedCandidate[]} | null} matches
 * @property {Heat | null} heat
 * @property {string | null} without_evidence why the matches or the heat that were asked for are missing
 * @property {{name: string, version: string}} map
 * @property {Record<string, number>} timings_ms
 * @property {string} request_id
 *
 * @typedef {object} Sample a picture to ask with
 * @property {string} id
 * @property {string} url
 * @property {number | null} latitude
 * @property {number | null} longitude
 * @property {string | null} condition
 *
 * @typedef {object} Query a question: a sample, or a file
 * @property {string} name
 * @property {Sample | null} sample
 * @property {Blob | null} file
 * @property {Position | null} truth where it was taken
 *
 * @typedef {object} Prior a circle; only pictures of the map within it may be the answer
 * @property {number} latitude
 * @property {number} longitude
 * @property {number} within_m
 *
 * @typedef {object} Task a question of the table of many, and what came of it
 * @property {number} number in the order in which they came, from 1
 * @property {string} name
 * @property {string[]} names the names of the photos
 * @property {File[]} photos one, or those that are asked together
 * @property {Record<string, string | number | null>} question the parameters
 * @property {Status | "waiting" | "asking" | "failed" | "cancelled" | null} status
 * @property {Answer | null} answer
 * @property {import("./service.js").Failure | null} failure
 *
 * @typedef {object} Plan Leaflet's map, and what all layers on it need
 * @property {any} L Leaflet
 * @property {any} map Leaflet's own map
 * @property {boolean} isStill whether the visitor wants no movement
 *
 * @typedef {object} Basemap tiles below everything else
 * @property {string} url with {z}, {x} and {y}
 * @property {number} min_zoom
 * @property {number} max_zoom
 * @property {{text: string, url: string | null}[]} attribution
 */

export {};
