<?php
/**
 * What the service is told about a post, and which posts readers may see.
 *
 * @package AlsoLike
 */

namespace AlsoLike;

defined( 'ABSPATH' ) || exit;

/**
 * Where plugins keep that a post is not to be found by search engines, and what they write there.
 */
const NOINDEX = array(
	'_yoast_wpseo_meta-robots-noindex' => '1',
	'rank_math_robots'                 => 'noindex',
	'_seopress_robots_index'           => 'yes',
	'_genesis_noindex'                 => '1',
);

/**
 * Whether a post may be named to readers now.
 *
 * @param \WP_Post $post The post.
 */
function is_listed( $post ) {
	return is_post_publicly_viewable( $post ) && may_be_listed( $post );
}

/**
 * Whether a post may be named to readers once it is published.
 *
 * @param \WP_Post $post The post.
 */
function may_be_listed( $post ) {
	$hidden = '' !== $post->post_password;
	foreach ( NOINDEX as $key => $word ) {
		$value  = get_post_meta( $post->ID, $key, true );
		$hidden = $hidden || in_array( $word, array_map( 'strval', is_array( $value ) ? $value : array( $value ) ), true );
	}
	/**
	 * Filters whether a post may stand in lists of related articles.
	 *
	 * @param bool     $listed Whether it may.
	 * @param \WP_Post $post   The post.
	 */
	return (bool) apply_filters( 'alsolike_may_be_listed', ! $hidden, $post );
}

/**
 * Returns the record that the service gets of a post.
 *
 * It is the post's state of this moment, so it does not say "updated": it counts from when it is received.
 * post_modified stays as it was where a category, a picture, the author's name or an address is changed.
 *
 * @param \WP_Post|null $post The post; null if it was deleted.
 * @return array|null The record; null if the service must not show the post.
 */
function make_record( $post ) {
	$known = $post && in_array( $post->post_type, (array) setting( 'types' ), true );
	if ( ! $known || ! may_be_listed( $post ) || ( 'future' !== $post->post_status && ! is_post_publicly_viewable( $post ) ) ) {
		return null;
	}
	$picture = get_post_thumbnail_id( $post );
	$content = render_content( $post );
	$record  = array(
		'title'    => get_the_title( $post ),
		'url'      => get_permalink( $post ),
		'sections' => make_sections( $content ),
		'excerpt'  => $post->post_excerpt,
		'date'     => mysql_to_rfc3339( $post->post_date ),
		'status'   => 'published',
		'tags'     => term_names( $post ),
		'authors'  => array_filter( array( get_the_author_meta( 'display_name', $post->post_author ) ) ),
	);
	if ( $picture && wp_get_attachment_url( $picture ) ) {
		$small           = wp_get_attachment_image_url( $picture, 'medium_large' ); // A card is no wider.
		$record['image'] = array(
			'src' => $small ? $small : wp_get_attachment_url( $picture ),
			'alt' => (string) get_post_meta( $picture, '_wp_attachment_image_alt', true ),
		);
	}
	if ( 'future' === $post->post_status ) {
		$record['visible_from'] = mysql_to_rfc3339( $post->post_date_gmt ) . 'Z';
		$record['url']          = get_permalink( published_copy( $post ) );
	}
	if ( function_exists( 'pll_get_post_language' ) ) {
		$translations       = array_map( 'intval', array_values( pll_get_post_translations( $post->ID ) ) );
		$record['language'] = (string) pll_get_post_language( $post->ID, 'locale' );
		if ( count( $translations ) > 1 ) { // As AlsoLike's own reader of WordPress writes it.
			$record['translation_key'] = 'post ' . min( $translations ) . ' of ' . home_url();
		}
	}
	$wpml = apply_filters( 'wpml_post_language_details', null, $post->ID );
	if ( is_array( $wpml ) && ! empty( $wpml['locale'] ) ) {
		$record['language'] = $wpml['locale'];
	}
	/**
	 * Filters the record of a post; null keeps the post from all readers.
	 *
	 * @param array    $record The fields, as AlsoLike's docs/sources.md describes them.
	 * @param \WP_Post $post   The post.
	 */
	return apply_filters( 'alsolike_record', array_filter( $record ), $post );
}

/**
 * Returns a scheduled post as it will be, so that its address is the one that readers will use.
 *
 * @param \WP_Post $post The post.
 */
function published_copy( $post ) {
	$copy              = clone $post;
	$copy->post_status = 'publish';
	$copy->post_name   = '' !== $copy->post_name ? $copy->post_name : sanitize_title( $copy->post_title );
	$copy->filter      = 'sample'; // Else the stored post is looked up again.
	return $copy;
}

/**
 * Returns the HTML of a post's text, without related articles.
 *
 * @param \WP_Post $post The post.
 */
function render_content( $post ) {
	$before          = $GLOBALS['post'] ?? null;
	$GLOBALS['post'] = $post; // phpcs:ignore WordPress.WP.GlobalVariablesOverride.Prohibited
	setup_postdata( $post );
	show_cards( false );
	ob_start();
	try {
		$html = (string) apply_filters( 'the_content', $post->post_content ); // phpcs:ignore WordPress.NamingConventions.PrefixAllGlobals
	} catch ( \Throwable $error ) { // A shortcode that can't be rendered here costs its own text only.
		$html = strip_shortcodes( $post->post_content );
	}
	ob_end_clean();
	show_cards( true );
	$GLOBALS['post'] = $before; // phpcs:ignore WordPress.WP.GlobalVariablesOverride.Prohibited
	if ( $before ) {
		setup_postdata( $before );
	}
	return $html;
}

/**
 * Divides a text at its headings.
 *
 * @param string $html The text.
 * @return array[] Sections with heading and text, both HTML, which the service cleans.
 */
function make_sections( $html ) {
	$parts    = preg_split( '#<h[1-6]\b[^>]*>(.*?)</h[1-6]\s*>#is', $html, -1, PREG_SPLIT_DELIM_CAPTURE );
	$sections = array();
	foreach ( array_chunk( array_merge( array( '' ), $parts ? $parts : array( $html ) ), 2 ) as $pair ) {
		$section = array(
			'heading' => trim( wp_strip_all_tags( $pair[0] ) ),
			'text'    => trim( $pair[1] ?? '' ),
		);
		if ( '' !== $section['heading'] || '' !== $section['text'] ) {
			$sections[] = $section;
		}
	}
	return $sections;
}

/**
 * Returns the names of a post's categories, tags and other public terms.
 *
 * @param \WP_Post $post The post.
 * @return string[] Without WordPress' own "Uncategorized".
 */
function term_names( $post ) {
	$names = array();
	foreach ( get_object_taxonomies( $post, 'objects' ) as $taxonomy ) {
		$terms = $taxonomy->public && 'post_format' !== $taxonomy->name ? get_the_terms( $post, $taxonomy->name ) : false;
		foreach ( is_array( $terms ) ? $terms : array() as $term ) {
			if ( 'uncategorized' !== $term->slug ) {
				$names[] = html_entity_decode( $term->name, ENT_QUOTES, 'UTF-8' );
			}
		}
	}
	return $names;
}
