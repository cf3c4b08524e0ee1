<?php
/**
 * Requests to the service.
 *
 * @package AlsoLike
 */

namespace AlsoLike;

defined( 'ABSPATH' ) || exit;

/**
 * Sends a request to the service.
 *
 * @param string     $method  The HTTP method.
 * @param string     $path    The path, such as "v1/related".
 * @param array      $query   The parameters of the address.
 * @param array|null $body    What is sent as JSON.
 * @param string     $token   The setting that holds the token; empty to send none.
 * @param int        $timeout Seconds to wait for an answer.
 * @return array{status: int, body: array, max_age: int, wait: int, detail: string} Status 0 if
 *         there was no answer; detail says what was wrong, max_age and wait are seconds.
 */
function request( $method, $path, array $query = array(), $body = null, $token = 'token', $timeout = 2 ) {
	$headers = array( 'Accept' => 'application/json' );
	if ( $token && setting( $token ) ) {
		$headers['Authorization'] = 'Bearer ' . setting( $token );
	}
	if ( null !== $body ) {
		$headers['Content-Type'] = 'application/json';
		if ( 'v1/overrides' === $path ) {
			$headers['If-Match'] = '*';
		}
	} elseif ( 'DELETE' === $method ) {
		$headers['If-Match'] = '*';
	}
	$response = wp_remote_request(
		trailingslashit( setting( 'address' ) ) . $path . ( $query ? '?' . http_build_query( $query, '', '&', PHP_QUERY_RFC3986 ) : '' ),
		array(
			'method'              => $method,
			'timeout'             => $timeout,
			'redirection'         => 0, // The token goes nowhere else.
			'limit_response_size' => 8 * MB_IN_BYTES,
			'headers'             => $headers,
			'body'                => null === $body ? null : wp_json_encode( $body, JSON_INVALID_UTF8_SUBSTITUTE ),
		)
	);
	if ( is_wp_error( $response ) ) {
		return array(
			'status'  => 0,
			'body'    => array(),
			'max_age' => 0,
			'wait'    => 0,
			'detail'  => $response->get_error_message(),
		);
	}
	$status  = (int) wp_remote_retrieve_response_code( $response );
	$decoded = json_decode( wp_remote_retrieve_body( $response ), true );
	$decoded = is_array( $decoded ) ? $decoded : array();
	$control = (string) wp_remote_retrieve_header( $response, 'cache-control' );
	$age     = (int) wp_remote_retrieve_header( $response, 'age' ); // How long a cache on the way has kept it.
	$detail  = $decoded['detail'] ?? $decoded['reason'] ?? '';
	return array(
		'status'  => $status,
		'body'    => $decoded,
		'max_age' => preg_match( '/max-age=(\d{1,6})/', $control, $found ) ? max( 0, (int) $found[1] - $age ) : 0,
		'wait'    => (int) wp_remote_retrieve_header( $response, 'retry-after' ),
		'detail'  => is_string( $detail ) && '' !== $detail ? $detail : "HTTP $status",
	);
}
