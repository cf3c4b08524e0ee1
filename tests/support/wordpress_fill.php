<?php
// Installs WordPress and gives it articles: php wordpress_fill.php FOLDER URL ARTICLES [pretty]
[, $folder, $url, $articles, $pretty] = $argv + [4 => ''];
$address = parse_url($url);
$_SERVER['HTTP_HOST'] = $address['host'] . ':' . $address['port'];
$_SERVER['SERVER_NAME'] = $address['host'];
$_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.1';
$_SERVER['REQUEST_METHOD'] = 'GET';
$_SERVER['REQUEST_URI'] = '/';
define('WP_INSTALLING', true);
define('WP_SITEURL', $url);
require "$folder/wp-load.php";
require ABSPATH . 'wp-admin/includes/upgrade.php';
// No mail leaves a test.
add_filter('pre_wp_mail', '__return_true');
$login = wp_generate_password(24, false);
wp_install('Sample', 'editor', 'editor@example.org', true, '', $login);
update_option('siteurl', $url);
update_option('home', $url);
update_option('timezone_string', 'UTC');
// Debian's package brings no theme.
switch_theme('plain');
if ($pretty) {
    update_option('permalink_structure', '/%postname%/');
}
foreach (get_posts(['post_type' => 'any', 'numberposts' => -1, 'post_status' => 'any']) as $post) {
    wp_delete_post($post->ID, true);
}
$editor = get_user_by('login', 'editor');
wp_set_current_user($editor->ID);
// What the articles hold is theirs to say, not for WordPress to filter by the user's rights.
kses_remove_filters();
// A date may lie in the future without the post being scheduled.
$status = 'publish';
add_filter('wp_insert_post_data', function ($data) {
    global $status;
    return $data['post_type'] === 'post' ? ['post_status' => $status] + $data : $data;
});

foreach (file($articles) as $line) {
    $article = json_decode($line, true);
    $content = '';
    foreach ($article['sections'] ?? [] as $section) {
        if (($section['heading'] ?? '') !== '') {
            $content .= '<h2>' . esc_html($section['heading']) . "</h2>\n";
        }
        $content .= '<p>' . esc_html($section['text']) . "</p>\n";
    }
    $status = ($article['status'] ?? '') === 'draft' ? 'draft' : 'publish';
    $instant = ($article['date'] ?? '2026-01-01') . ' 00:00:00';
    if ($status === 'publish' && isset($article['visible_from'])) {
        $status = 'future';
        $instant = gmdate('Y-m-d H:i:s', strtotime($article['visible_from']));
    }
    $id = wp_insert_post(wp_slash([
        'post_name' => $article['id'],
        'post_title' => esc_html($article['title']),
        'post_content' => $content,
        'post_excerpt' => esc_html($article['excerpt'] ?? ''),
        'post_status' => $status,
        'post_author' => $editor->ID,
        'post_date' => $instant,
        'post_date_gmt' => $instant,
        'tags_input' => $article['tags'] ?? [],
    ]), true);
    if (is_wp_error($id)) {
        fwrite(STDERR, $id->get_error_message());
        exit(1);
    }
    if (isset($article['image'])) {
        $picture = wp_insert_post(wp_slash([
            'post_type' => 'attachment',
            'post_status' => 'inherit',
            'post_title' => basename($article['image']['src']),
            'post_mime_type' => 'image/svg+xml',
            'guid' => $url . $article['image']['src'],
        ]));
        update_post_meta($picture, '_wp_attachment_image_alt', wp_slash($article['image']['alt']));
        update_post_meta($id, '_thumbnail_id', $picture);
    }
}
[$password] = WP_Application_Passwords::create_new_application_password(
    $editor->ID,
    ['name' => 'alsolike']
);
echo json_encode(['user' => 'editor', 'password' => $password, 'login' => $login]);
